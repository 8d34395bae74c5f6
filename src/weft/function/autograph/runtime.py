"""What rewritten code calls: `ag__` in the code that `weft.function(...).code` shows."""

from __future__ import annotations

from weft.function.autograph.conversion import argument as argument
from weft.function.autograph.conversion import converted as converted
from weft.function.autograph.conversion import outside as outside
from weft.function.autograph.notes import side_effect as side_effect
from weft.function.autograph.statements import and_ as and_
from weft.function.autograph.statements import asserted as asserted
from weft.function.autograph.statements import chain as chain
from weft.function.autograph.statements import compared as compared
from weft.function.autograph.statements import entry as entry
from weft.function.autograph.statements import filtered as filtered
from weft.function.autograph.statements import for_stmt as for_stmt
from weft.function.autograph.statements import if_exp as if_exp
from weft.function.autograph.statements import if_stmt as if_stmt
from weft.function.autograph.statements import not_ as not_
from weft.function.autograph.statements import or_ as or_
from weft.function.autograph.statements import peek as peek
from weft.function.autograph.statements import put_attribute as put_attribute
from weft.function.autograph.statements import put_item as put_item
from weft.function.autograph.statements import raised as raised
from weft.function.autograph.statements import while_stmt as while_stmt
from weft.function.autograph.values import NoReturn as NoReturn
from weft.function.autograph.values import Undefined as Undefined
from weft.function.autograph.values import defined as defined
