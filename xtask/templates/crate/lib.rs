//! Services of the module `__module__`.
//!
//! Layer 6.
