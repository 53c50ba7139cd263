//! Rebuilds the crate when a file of the page appears or goes; changed ones are noticed without it.

fn main() {
    println!("cargo:rerun-if-changed=../web");
}
