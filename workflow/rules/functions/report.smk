# Functions and constants of the rules in report.smk.

from planning.conditions import remedied
from report.page import template_files
from workbench.files import file_digest

BASELINE_RECIPE = STUDY.conditions[EVALUATION.baseline].recipe().name


def analysis_tables():
    """The tables of the analysis, which needs no training of a learner, by what they are."""
    tables = {}
    if STUDY.generators.analysed:
        tables |= {"errors_pool": "<results>/errors/pool.tsv", "diversity_pool": "<results>/diversity/pool.tsv"}
    if STUDY.generators.detector_pairs:
        tables |= {
            "detector_pairs": "<results>/detector/pairs.tsv",
            "post_editing": "<results>/detector/post_editing.tsv",
        }
    if STUDY.quality.pairs:
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
    """The tables that the page shows besides the scores, by what they are."""
    relations = ("contrasts", "remedies", "curves", "exchange")
    measured = {f"{name}_test": f"<results>/{name}/test.tsv" for name in ("errors", "diversity")}
    vocabulary = {"rewritten": "<results>/vocab/rewritten.tsv"} if STUDY.learners.of(FairseqLearner) else {}
    return analysis_tables() | vocabulary | measured | {name: f"<results>/{name}.tsv" for name in relations}


def report_figures():
    """The figures of the page, SVG, by what they show."""
    names = ["learning_curve", "conditions", "errors_test", "diversity_test"]
    if remedied(STUDY.conditions):
        names.append("remedies")
    return {name: f"<results>/figures/{name}.svg" for name in names} | analysis_figures()


def with_pictures(figures):
    """The files of figures: SVG and PNG."""
    return [*figures.values(), *(svg.replace(".svg", ".png") for svg in figures.values())]


def final_output():
    """The files that the default target asks for."""
    return [
        "<results>/scores.tsv",
        "<results>/summary.tsv",
        "<results>/significance.tsv",
        *report_tables().values(),
        *with_pictures(report_figures()),
        "<results>/report/index.html",
        "<results>/answer.txt",
    ]


def analysis_output():
    """The files that the target `analysis` asks for."""
    return [
        *analysis_tables().values(),
        *with_pictures(analysis_figures()),
        "<results>/analysis/index.html",
        "<results>/analysis.txt",
    ]


def report_files(wildcards, input):
    """Arguments of the files that only the page of the study shows."""
    files = {name: input[name] for name in ("summary", "scores", "significance", "cleaning", "dataset")}
    return [
        *file_options(files),
        *("--splits", *named_files(STUDY.corpus.splits, input.splits)),
        *("--generator-scores", *named_files(STUDY.generators.used, input.generators)),
        *("--ledger", *input.ledger),
    ]


def page_template(name):
    """Path of a page's template, and the digests of the template and of its parts, as parameters."""
    template = TEMPLATES / name
    return {
        "template": os.path.relpath(template),
        "template_digest": [file_digest(path) for path in template_files(template)],
    }
