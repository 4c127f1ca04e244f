//! Redaction: what is left is what a plain filter over a tree leaves, in the source's own bytes.
//!
//! The first byte chooses the policy, the rest is the resource.
#![no_main]

use fhir::Resource;
use fuzz::plain::Plain;
use fuzz::tree::Rules;
use json::{Document, Limits};
use libfuzzer_sys::fuzz_target;
use privacy::{Left, Policy, redact};
use std::sync::LazyLock;

/// The policies we ship, and one that cuts deeper than any of them.
const POLICIES: [&str; 4] = [
    include_str!("../../../gateway/privacy/src/policies/patrqt.toml"),
    include_str!("../../../gateway/privacy/src/policies/treat.toml"),
    include_str!("../../../gateway/privacy/src/policies/hpaymt.toml"),
    include_str!("../src/deep.toml"),
];

static READ: LazyLock<Vec<(Policy, Rules)>> = LazyLock::new(|| {
    let policy = |text: &&str| Policy::read(text, |_| String::new()).expect("a policy that can be used");
    POLICIES.iter().map(|text| (policy(text), Rules::read(text))).collect()
});

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (policy, rules) = &READ[usize::from(*choice) % READ.len()];
    let plain = Plain::read(bytes, Limits::DEFAULT.depth_max);
    // What is read twice differently, doubled keys above all, never comes as far as redaction.
    let Ok(document) = Document::parse(bytes.to_vec().into(), &Limits::DEFAULT) else {
        assert!(plain.is_none());
        return;
    };
    let plain = plain.expect("taken by both or by none");
    let Ok(resource) = Resource::of(document.root()) else { return };
    let expected = rules.left(&plain, bytes);
    let once = match (redact(&resource, policy), &expected) {
        (Left::Whole, Some(expected)) => {
            assert!(expected.is(&plain, bytes), "whole, and should be cut");
            return;
        }
        (Left::Nothing, None) => return,
        (Left::Cut(cut), Some(expected)) => {
            let left = Plain::read(&cut, Limits::DEFAULT.depth_max).expect("what is left can be read");
            assert!(expected.is(&left, &cut), "{}", String::from_utf8_lossy(&cut));
            cut
        }
        (Left::Cut(_) | Left::Whole, None) => panic!("something leaves of a type that the policy does not name"),
        (Left::Nothing, Some(_)) => panic!("nothing leaves of a type that the policy names"),
    };
    let again = Document::parse(once.clone().into(), &Limits::DEFAULT).expect("what is left can be read strictly");
    let resource = Resource::of(again.root()).expect("what is left is a resource");
    match redact(&resource, policy) {
        Left::Cut(twice) => assert_eq!(once, twice),
        Left::Whole => {}
        Left::Nothing => panic!("cut once and withheld the second time"),
    }
});
