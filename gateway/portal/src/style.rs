//! The one stylesheet, and the same look in SMART's words for apps that are opened from here. Each stands under an address
//! that changes with its content, so that browsers may keep it for ever.

/// The stylesheet, `text/css`.
pub const STYLESHEET: &str = include_str!("../static/portal.css");

/// What `smart_style_url` leads to (SMART App Launch 2.2.0, "Styling"), JSON: the colours and sizes of our pages.
pub const SMART_STYLE: &str = include_str!("../static/smart-style.json");

/// FNV-1a: not for security, only a name that differs when the content does.
const fn hash(content: &str) -> u64 {
    let bytes = content.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Where the stylesheet is served: `/static/portal-0123456789abcdef.css`.
pub fn stylesheet_path() -> String {
    format!("/static/portal-{:016x}.css", hash(STYLESHEET))
}

/// Where the style for apps is served: `/static/smart-style-0123456789abcdef.json`. A constant, since it is a route.
pub const SMART_STYLE_PATH: &str = match std::str::from_utf8(&SMART_STYLE_NAME) {
    Ok(path) => path,
    Err(_) => "/static/smart-style.json",
};

const SMART_STYLE_NAME: [u8; 41] = {
    let mut path = *b"/static/smart-style-0123456789abcdef.json";
    let hash = hash(SMART_STYLE);
    let mut at = 0;
    while at < 16 {
        path[20 + at] = b"0123456789abcdef"[((hash >> (60 - 4 * at)) & 0xf) as usize];
        at += 1;
    }
    path
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_style_is_named_by_its_content() {
        assert_eq!(SMART_STYLE_PATH, format!("/static/smart-style-{:016x}.json", hash(SMART_STYLE)));
        assert_ne!(hash(SMART_STYLE), hash(&SMART_STYLE.replace("16px", "17px")));
    }
}
