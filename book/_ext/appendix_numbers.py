"""Number what stands in an appendix with a letter: equation (A.1), as chapter 10 has equation (10.1)."""

from string import ascii_uppercase


def put_letters(app, env):
    letters = iter(ascii_uppercase)
    for name in env.toctree_includes.get(app.config.root_doc, []):
        kinds = env.toc_fignumbers.get(name, {})
        if env.toc_secnumbers.get(name) or not any(kinds.values()):
            continue
        letter = next(letters)
        for numbers in kinds.values():  # Sphinx goes on counting from the last page without a number
            numbers.update({label: (letter, count) for count, label in enumerate(numbers, start=1)})


def setup(app):
    app.connect("env-check-consistency", put_letters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
