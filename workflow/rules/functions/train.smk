# Functions and constants of the rules in train.smk.

# The fairseq user module is found by fairseq, not imported by a script.
FAIRSEQ_MODULE = sorted(str(path.relative_to(SCRIPTS)) for path in SCRIPTS.glob("train/fairseq_fast/*.py"))


@asked_often
def learner_settings(wildcards):
    """What shapes a run's training besides its data."""
    learner = STUDY.learners[wildcards.learner]
    return learner.settings(wildcards.recipe, int(wildcards.size), int(wildcards.seed))


def scorer_size(wildcards):
    """``--size`` of the training of a quality score's model."""
    pairs = STUDY.quality[wildcards.quality].pairs
    return ["--size", str(pairs)] if pairs else []


def scorer_direction(wildcards):
    """Arguments that reverse the direction of a quality score's model."""
    return ["--backwards"] if STUDY.quality[wildcards.quality].metric == "round_trip" else []
