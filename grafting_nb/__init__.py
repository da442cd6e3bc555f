"""Edit the architecture of a pretrained diffusion transformer; `__init__.pyi` lists the public names."""
__version__ = "0.1.0"

import lazy_loader

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__) # importing costs nothing until a name is used


def __getattr__(name):
    "A public name, from its module; `help` shows the comments of its arguments."
    value = _load(name)
    from grafting_nb.core.docs import with_comments
    return with_comments(value)
