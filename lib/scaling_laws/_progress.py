"""Progress bars. What one in a notebook is made of takes longer to load than the library, so it waits until then."""

import tqdm


def progress_bar(iterable=None, *, progress: bool, **options) -> tqdm.tqdm:
    """A bar around `iterable`, or one that shows nothing."""
    if progress:
        from tqdm.auto import tqdm as bar
    else:
        bar = tqdm.tqdm
    return bar(iterable, disable=not progress, **options)
