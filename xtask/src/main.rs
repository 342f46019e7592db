//! The program `xtask`, which `cargo xtask` starts.

use std::process::ExitCode;

/// `local` makes and frees a hundred small things for each request, and keeps what happened for a while: with the system's
/// allocator, a sixth of its time goes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    xtask::run()
}
