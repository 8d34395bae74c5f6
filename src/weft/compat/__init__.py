"""Other frameworks' names for weft's objects.

    import weft.compat.tensorflow as tf          # TensorFlow 2's names, one changed import

    import weft.compat
    weft.compat.install()                        # from here on, unchanged code:
    import tensorflow as tf
    from tensorflow.keras import layers
    import keras

A TensorFlow or Keras that is installed is left alone until `install()` is called, and comes
back with `uninstall()`.
"""

from __future__ import annotations

from weft.compat.alias import install, is_installed, uninstall

__all__ = ["install", "is_installed", "uninstall"]
