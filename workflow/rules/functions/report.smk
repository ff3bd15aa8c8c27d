# What the report is made of, and what the targets ask for.


def get_final_output():
    """The files that the default target asks for."""
    figures = report_figures().values()
    return [
        "<results>/scores.tsv",
        "<results>/summary.tsv",
        "<results>/significance.tsv",
        *report_tables().values(),
        *figures,
        *(svg.replace(".svg", ".png") for svg in figures),
        "<results>/report/index.html",
        "<results>/answer.txt",
    ]


def analysis_tables():
    """The tables of the analysis, which needs no training of a learner, by what they are."""
    tables = {}
    if STUDY.analysed_generators:
        tables |= {"errors_pool": "<results>/errors/pool.tsv", "diversity_pool": "<results>/diversity/pool.tsv"}
    if STUDY.detector_pairs:
        tables |= {
            "detector_pairs": "<results>/detector/pairs.tsv",
            "post_editing": "<results>/detector/post_editing.tsv",
        }
    if STUDY.quality_pairs:
        tables["agreement"] = "<results>/quality/agreement.tsv"
    return tables


def analysis_figures():
    """The figures of the analysis, SVG, by what they show."""
    drawn = {
        "errors_pool": "errors_pool",
        "diversity_pool": "diversity_pool",
        "detector_pairs": "detector",
        "agreement": "agreement",
    }
    names = [drawn[table] for table in analysis_tables() if table in drawn]
    return {name: f"<results>/figures/{name}.svg" for name in names}


def report_tables():
    """What the page tells besides the scores, by what it is."""
    relations = ("contrasts", "remedies", "curves", "exchange")
    measured = {f"{name}_test": f"<results>/{name}/test.tsv" for name in ("errors", "diversity")}
    return analysis_tables() | measured | {name: f"<results>/{name}.tsv" for name in relations}


def report_figures():
    """The figures of the page, SVG, by what they show."""
    names = ["learning_curve", "conditions", "errors_test", "diversity_test"]
    if remedied(STUDY["conditions"]):
        names.append("remedies")
    return {name: f"<results>/figures/{name}.svg" for name in names} | analysis_figures()


def analysis_output():
    """The files that the target `analysis` asks for."""
    pictures = [svg.replace(".svg", ".png") for svg in analysis_figures().values()]
    return [
        *analysis_tables().values(),
        *analysis_figures().values(),
        *pictures,
        "<results>/analysis/index.html",
        "<results>/analysis.txt",
    ]
