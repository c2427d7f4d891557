//! The program. All it does is in the library, so that tests start the same servers.

fn main() -> std::process::ExitCode {
    ordermesh::cli::main()
}
