//! The one stylesheet, under an address that changes with its content, so that browsers may keep it for ever.

/// The stylesheet, `text/css`.
pub const STYLESHEET: &str = include_str!("../static/portal.css");

/// FNV-1a over the stylesheet: not for security, only a name that differs when the content does.
const HASH: u64 = {
    let bytes = STYLESHEET.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
};

/// Where the stylesheet is served: `/static/portal-0123456789abcdef.css`.
pub fn stylesheet_path() -> String {
    format!("/static/portal-{HASH:016x}.css")
}
