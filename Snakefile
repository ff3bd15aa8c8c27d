# The study is described in config/config.yaml, or only in the file given with --configfile.

from snakemake.utils import min_version

# The version that the workflow is tested with. 9.20 to 9.26 plan the same jobs; patches.smk changes Snakemake's own code.
min_version("9.27")

if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


pathvars:
    results=config.get("results", "results"),
    downloads=config.get("downloads", "downloads"),


include: "workflow/rules/study.smk"
include: "workflow/rules/shell.smk"
include: "workflow/rules/shared.smk"
include: "workflow/rules/start.smk"
include: "workflow/rules/patches.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/llm.smk"
include: "workflow/rules/curate.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


onstart:
    gc.enable()
    hold_results_folder()
    start_jobs_as_they_come()
    demand_whole_files()
    demand_keys()


rule all:
    input:
        final_output(),
    default_target: True
    localrule: True


rule analysis:
    input:
        analysis_output(),
    localrule: True
