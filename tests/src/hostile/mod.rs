//! Peers that mean ill, or have lost their minds: an HTTP client, a server behind the gateway, a laboratory.
//!
//! Each is as small as it can be and does one wrong thing at a time. `house` is the gateway that they are let loose on; it
//! ends every test by looking whether the next caller is answered rightly and whether anything of a record was logged.

pub mod house;
pub mod http;
pub mod http2;
pub mod laboratory;
pub mod upstream;
