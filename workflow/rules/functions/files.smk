# Shared by all stages: paths and code as parameters, what grows with the attempt.

import inspect

from snakemake.common import overwrite_function_params

FOLDERS = {"<results>": STUDY["results"], "<downloads>": STUDY["downloads"]}


def asked_often(function):
    """``function``, its arguments looked up once: Snakemake looks them up several times for each job."""
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


class SpeltOut(tuple):
    """Arguments with files where a job finds them, which Snakemake compares by what the files are called.

    It compares the ``repr`` of parameters. Where the copy of an object in storage lies says nothing of the study.

    Args:
        found: the arguments, for the command.
        called: the same with the files by their names, for the comparison.
    """

    def __new__(cls, found, called):
        arguments = super().__new__(cls, found)
        arguments.called = list(called)
        return arguments

    def __repr__(self):
        return repr(self.called)


def where_found(path):
    """Where a job finds a file: in place or, if files lie in storage, where Snakemake puts the copy of an object."""
    return str(workflow.modifier.modify_path(path))


def spelt_out(arguments):
    """``arguments``, in which files are given below ``<results>`` or ``<downloads>``, with the paths of these files.

    They are spelt out rather than taken from ``input``: Snakemake does not compare parameters that are derived from a
    job's files, and a renamed condition or a file that leaves the study must be seen.
    """
    called, found = [], []
    for argument in arguments:
        name, folder, file = next((argument.partition(f) for f in FOLDERS if f in argument), (argument, "", ""))
        path = FOLDERS[folder] + file if folder else ""
        called.append(name + path)
        found.append(name + where_found(path) if folder else name)
    return SpeltOut(found, called)


def named_files(names, files):
    """``NAME=FILE`` arguments."""
    return [f"{name}={file}" for name, file in zip(names, files, strict=True)]


def named_paths(paths):
    """``NAME=FILE`` arguments."""
    return spelt_out([f"{name}={path}" for name, path in paths.items()])


def runs_script(script, *also):
    """Path of a script, and the digest of its code and of ``also``, which it loads by name, as parameters of its jobs."""
    # Snakemake compares text, in the process that plans. One that runs a job of a cluster needs the digest of that job only.
    digest = CODE.of if workflow.is_main_process else CODE.later
    return {"script": os.path.relpath(SCRIPTS / script), "code": digest(script, *also)}


def grown(amount):
    """An amount of memory or time of which a job gets more each time that it is tried again."""
    return asked_often(lambda wildcards, attempt: amount * attempt)


def measured_arguments(option, texts):
    """An ``option`` for each of ``texts``."""
    return spelt_out([argument for *names, table in texts for argument in (option, *names, table)])


def page_template(name):
    """Path of a page's template and the digests of it and of the parts it is made of, as parameters."""
    template = TEMPLATES / name
    return {
        "template": os.path.relpath(template),
        "template_digest": [file_digest(path) for path in template_files(template)],
    }
