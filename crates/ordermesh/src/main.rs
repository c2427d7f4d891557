//! The program. All it does is in the library, so that tests start the same servers.

/// A command is hundreds of small allocations, on one thread and freed on another: the system's allocator takes nearly
/// half of a busy server's time for them. docs/performance.md has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    ordermesh::cli::main()
}
