//! Life cycles of kinds that are frozen once used or whose versions grow.
