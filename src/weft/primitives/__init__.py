"""The things that can be computed. Importing this package defines all primitives."""

from weft.primitives import contraction as contraction
from weft.primitives import control as control
from weft.primitives import convolution as convolution
from weft.primitives import effects as effects
from weft.primitives import elementwise as elementwise
from weft.primitives import indexing as indexing
from weft.primitives import random as random
from weft.primitives import reduction as reduction
from weft.primitives import shape as shape
from weft.primitives import sorting as sorting
from weft.primitives import window as window
