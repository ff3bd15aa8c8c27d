"""Words that models write around a translation, or instead of one, in fifty languages.

The lists need not be complete: what a generator adds or answers again and again is learnt from its answers
(:mod:`llm.answers.habits`). All are parts of regular expressions that ignore case.
"""

import re

TRANSLATION = (
    r"ترجم|превод|অনুবাদ|přelo|překl|overs[æe]t|über?setz|uebersetz|μετ[αά]φρ|translat|tõl[gk]|itzul|ترجمه|käänn"
    r"|käänt|aistri|תרג|अनुवाद|prij?evo?d|preve[ds]|fordít|terjemah|þýð|翻訳|訳文|和訳|თარგმ|번역|vertim|išvers|versti"
    r"|tulko|overs[ea]tt|vertal|tłumacz|перев[оеё]|prel?ož|prekl|prev[oe]d|përkth|övers[äa]tt|tafsir|மொழிபெயர்"
    r"|అనువాద|แปล|salin|çevir|tercüme|перекла|bản dịch|翻[译譯]|[译譯]文|[译譯]为|tradu[cïijrsttzç]"
)
"""Beginnings of words for translating."""
NOTE = (
    r"ملاحظة|ملحوظة|бележка|забележка|দ্রষ্টব্য|নোট|nota|pozn(?:ámka|\.)|bemærk|note|hinweis|anmerkung|anm\."
    r"|σημείωση|(?:translator['’]s )?note|n\.b\.|literally|märkus|oharra|توجه|یادداشت|huomautus|huom|remarque|nóta"
    r"|הערה|नोट|ध्यान दें|टिप्पणी|napomena|megjegyzés|catatan|athugasemd|ath\.|注意?|備考|注記|შენიშვნა|참고|주의|pastaba"
    r"|piezīme|забелешка|merk|merknad|opmerking|noot|let op|uwaga|przypis|observação|obs\.|notă|примечание|прим\."
    r"|opomba|shënim|напомена|obs|anmärkning|notera|kumbuka|maelezo|குறிப்பு|గమనిక|หมายเหตุ|tandaan|paalala|not"
    r"|примітка|نوٹ|lưu ý|ghi chú|chú ý|备注|備註|注释|註"
)
"""What introduces a note on a translation."""
EITHER = (  # without those that mean something else in another language, such as "of" and "o"
    r"أو|или|অথবা|nebo|eller|oder|bzw\.|or|alternatively|või|ou|या|ili|vagy|atau|eða|oppure|または|もしくは|ან|또는|혹은"
    r"|arba|lub|albo|sau|alebo|அல்லது|లేదా|หรือ|veya|ya da|або|hoặc|或者?"
)
"""What introduces another translation."""
_DECLINING = (  # of a language each: words that apologize; "cannot"; "help" or "comply"
    ("عذر|آسف|أعتذر|للأسف", "لا (?:أستطيع|يمكنني)|لن|لست", "مساعد|تلبية|الرد"),
    ("съжалявам|извин", "не мога", "помогна|изпълня"),
    ("দুঃখিত", "পারি না|পারছি না|পারব না", "সাহায্য|সহায়তা"),
    ("ho sento|em sap greu|disculp", "no puc", "ajudar|complir"),
    ("omlouvám|promiňte|bohužel|je mi líto", "nemohu|nem[uů]žu", "pomoc|pomoct|vyhov"),
    ("beklager|undskyld", r"kan (?:\w+ )?ikke", "hjælpe"),
    ("tut mir leid|entschuldigung|leider", "kann|darf|werde", "helf|hilf|unterstütz|nachkomm|erfüll|beantwort"),
    ("λυπάμαι|συγγνώμη|δυστυχώς", "δεν μπορώ", "βοηθ"),
    ("sorry|apologi|unfortunately", "can['’]?t|can ?not|won['’]?t|will not|unable", "help|assist|comply|fulfil"),
    ("lo siento|disculp|lamento", "no puedo", "ayud|cumplir|asist|atend"),
    ("vabandust|kahjuks|vabandan", "ei saa", "aidata|abiks"),
    ("barkatu|sentitzen", "ezin", "lagundu"),
    ("متاسف|متأسف|ببخشید|پوزش|عذر", r"نمی‌?\s?توانم", "کمک"),
    ("pahoittel|valit|anteeksi", "en voi", "auttaa"),
    ("désolé|navré|excus|regrett", "ne (?:peux|suis|puis)", "aide|répond|satisf|secour"),
    ("tá brón orm|gabh mo leithscéal", "ní féidir", "cabhr"),
    ("מצטער|סליחה|מתנצל", "לא (?:יכול|אוכל)|איני", "לעזור|לסייע|עזרה"),
    ("क्षमा|माफ़|माफ|खेद", "नहीं (?:कर )?सक", "मदद|सहायता"),
    ("žao mi je|oprosti|nažalost|izvini", "ne mogu", "pomoć|pomog"),
    ("sajnál|elnézést|bocsánat", "nem tud", "segít"),
    ("maaf", "tidak (?:dapat|bisa)|tak (?:dapat|bisa)", "membantu|bantu"),
    ("því miður|afsak|fyrirgef", "get ekki", "hjálp|aðstoð"),
    ("mi dispiace|scus|purtroppo", "non posso", "aiut|soddisf|assist|richiest"),
    ("申し訳|すみません|ごめん", "できません|かねます|できない", "お手伝い|お答え|対応|手伝|協力"),
    ("ბოდიში|ვწუხვარ|სამწუხაროდ", "არ შემიძლია|ვერ", "დახმარ|დაგეხმარ"),
    ("죄송|미안", "없습니다|못합니다|어렵습니다|없어요", "도와|도움|도울|답변"),
    ("atsipraš|deja|apgailest", "negaliu", "padėti"),
    ("atvain|diemžēl|piedod", "nevaru", "palīdz"),
    ("жал ми|извин|жалам", "не можам", "помог"),
    ("maaf", "tidak (?:dapat|boleh)", "membantu|bantu"),
    ("beklager|unnskyld", r"kan (?:\w+ )?ikke", "hjelp"),
    ("het spijt me|sorry|helaas", "kan", "help|hulp|verzoek"),
    ("przepraszam|przykro|niestety", "nie mog", "pom[oó]c|pomag|spełni"),
    ("desculp|sinto muito|lamento|infelizmente", "não (?:posso|consigo)", "ajud|atend|auxili"),
    ("îmi pare rău|scuz|regret|din păcate", "nu pot", "ajut|asist"),
    ("извин|прост|сожал", "не (?:могу|смогу)", "помо|выполн"),
    ("prepáč|ospravedl|žiaľ|ľutujem|bohužiaľ", "nem[oô]žem", "pomôc|vyhov"),
    ("žal|oprosti|opravič", "ne morem", "pomag|pomoč"),
    ("më vjen keq|ndjesë|fatkeqësisht", "nuk mund", "ndihm"),
    ("жао ми је|извин|опрости|нажалост", "не могу", "помо[гћ]"),
    ("tyvärr|ledsen|beklagar|ursäkta", r"kan (?:\w+ )?inte", "hjälp"),
    ("samahani|pole|naomba radhi", "siwezi", "kusaidia|kukusaidia|msaada"),
    ("மன்னிக்க|வருந்து", "முடியாது|இயலாது", "உதவ"),
    ("క్షమించ", "లేను", "సహాయ"),
    ("ขอโทษ|ขออภัย|เสียใจ", "ไม่สามารถ|ไม่ได้", "ช่วย"),
    ("paumanhin|pasensya", "hindi ko (?:kaya|maaari)|hindi ako", "tulong|tulungan"),
    ("üzgün|maalesef|özür|kusura", r"am(?:am|ıyorum)\b|em(?:em|iyorum)\b|mayacağım|meyeceğim", "yardım"),
    ("вибач|перепрош|жаль|шкод", "не (?:можу|зможу)", "допомо|виконат"),
    ("معذرت|معاف|افسوس", "نہیں", "مدد"),
    ("xin lỗi|rất tiếc", "không thể", "giúp|hỗ trợ"),
    ("抱歉|对不起|對不起|不好意思", "无法|不能|無法", "[协協]助|[帮幫]助|[帮幫]|回答|提供"),
)
OF_TRANSLATING = re.compile(TRANSLATION, re.IGNORECASE)
OF_HELPING = re.compile("|".join(helping for _, _, helping in _DECLINING), re.IGNORECASE)
REFUSALS = [
    (sorry.split("|"), re.compile(rf"(?=.{{0,160}}(?:{cannot})).{{0,160}}(?:{helping}|{TRANSLATION})", re.IGNORECASE))
    for sorry, cannot, helping in _DECLINING
]
"""Each the words of an apology, and "cannot" and a verb, in any order."""
