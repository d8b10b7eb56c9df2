//! The next step for an entitlement, from its claims and the last answers. Pure.
