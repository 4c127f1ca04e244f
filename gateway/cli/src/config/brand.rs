//! The brand under which people know the house behind the gateway, as the configuration says it.

use super::check::Checking;
use super::file;
use conformance::brand::{Address, Brand, Identifier};
use toml::Spanned;

/// Characters of a name.
const NAME_CHARACTERS_MAX: usize = 120;

impl Checking<'_> {
    /// The brand.
    pub(super) fn brand(&mut self, brand: &file::Brand) -> Brand {
        let name = brand.name.get_ref();
        if name.trim().is_empty() || name.chars().count() > NAME_CHARACTERS_MAX {
            let hint = format!("write the name that people know, of 1 to {NAME_CHARACTERS_MAX} characters");
            self.fault(&brand.name, "this is no name for a brand", hint);
        }
        for address in [Some(&brand.website), brand.logo.as_ref()].into_iter().flatten() {
            self.web_address(address);
        }
        for identifier in &brand.identifiers {
            let own = identifier.get_ref();
            if own.system.is_empty() || own.value.is_empty() {
                self.fault(identifier, "this identifies nothing", "give both `system` and `value`");
            }
        }
        let identifier = |own: &Spanned<file::Identifier>| {
            let own = own.get_ref();
            Identifier { system: own.system.clone(), value: own.value.clone() }
        };
        let address = |own: &file::Address| Address {
            line: own.line.clone(),
            city: own.city.clone(),
            state: own.state.clone(),
            postal_code: own.postal_code.clone(),
            country: own.country.clone(),
        };
        Brand {
            name: name.clone(),
            aliases: brand.aliases.clone(),
            website: brand.website.get_ref().clone(),
            identifiers: brand.identifiers.iter().map(identifier).collect(),
            logo: brand.logo.as_ref().map(|logo| logo.get_ref().clone()),
            portal: brand.portal.clone(),
            addresses: brand.addresses.iter().map(address).collect(),
        }
    }

    fn web_address(&mut self, address: &Spanned<String>) {
        let text = address.get_ref();
        let host = text.strip_prefix("https://").unwrap_or("");
        if host.is_empty() || host.starts_with('/') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fault(address, "this is no web address", "write it whole: \"https://www.example.org\"");
        }
    }
}
