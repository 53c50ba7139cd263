//! Empty: what is wanted of this package is the source of its dependency.
