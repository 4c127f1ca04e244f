//! What must not compile, with what the compiler says of it: `tests/compile_fail`.
//!
//! It stands beside the gate, so that proving it needs nothing but this crate. `TRYBUILD=overwrite` writes the compiler's
//! words anew when they change; read them before keeping them.

#[test]
fn what_the_gate_forbids_does_not_compile() {
    trybuild::TestCases::new().compile_fail("../../tests/compile_fail/*.rs");
}
