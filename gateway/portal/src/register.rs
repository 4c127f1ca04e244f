//! The pages where a developer registers an app: a form, and what came of it, told once.

use crate::frame::{Frame, Html};
use crate::text::Text;
use askama::Template;
use smart::metadata::{Fault, KEYS_BYTES_MAX, NAME_CHARACTERS_MAX};
use smart::register::Registration;
use smart::settings::{REGISTER_CALLS, REGISTER_PAGE};

/// How an app will prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Not at all: it cannot keep a secret.
    Nothing,
    /// By a secret.
    Secret,
    /// By keys of its own.
    Keys,
}

impl Proof {
    /// All of them, in the order of the page.
    const ALL: [Proof; 3] = [Proof::Nothing, Proof::Secret, Proof::Keys];

    fn word(self) -> &'static str {
        match self {
            Proof::Nothing => "none",
            Proof::Secret => "secret",
            Proof::Keys => "keys",
        }
    }

    fn texts(self) -> (Text, Text) {
        match self {
            Proof::Nothing => (Text::ProofNothing, Text::ProofNothingDetail),
            Proof::Secret => (Text::ProofSecret, Text::ProofSecretDetail),
            Proof::Keys => (Text::ProofKeys, Text::ProofKeysDetail),
        }
    }

    /// The one of this word; of any other, that which needs nothing.
    pub fn of(word: &str) -> Proof {
        Proof::ALL.into_iter().find(|proof| proof.word() == word).unwrap_or(Proof::Nothing)
    }
}

/// Why an app was not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterFault {
    /// The form was not one of this browser's, or not any more.
    Stale,
    /// Too many come from there.
    TooMany,
    /// There is no room for more.
    Full,
    /// It is not what may be registered.
    Unfit(Fault),
}

impl RegisterFault {
    /// What is said, and which control it is about.
    fn said(self) -> (Text, &'static str) {
        match self {
            RegisterFault::Stale => (Text::SignInStale, "#name"),
            RegisterFault::TooMany => (Text::RegisterTooMany, "#name"),
            RegisterFault::Full => (Text::RegisterFull, "#name"),
            RegisterFault::Unfit(Fault::Name | Fault::Terms | Fault::Flow | Fault::Scope) => {
                (Text::RegisterNoName, "#name")
            }
            RegisterFault::Unfit(Fault::NoAddress) => (Text::RegisterNoAddress, "#addresses"),
            RegisterFault::Unfit(Fault::Address) => (Text::RegisterOddAddress, "#addresses"),
            RegisterFault::Unfit(Fault::Keys | Fault::Method) => (Text::RegisterNoKeys, "#keys"),
        }
    }
}

/// What the form must know.
pub struct RegisterForm {
    /// Language and address.
    pub frame: Frame,
    /// What proves that the form is this browser's.
    pub token: String,
    /// The name that was typed before.
    pub name: String,
    /// The addresses that were typed before, one a line.
    pub addresses: String,
    /// What was chosen before.
    pub proof: Proof,
    /// The keys that were typed before, or where they are.
    pub keys: String,
    /// What went wrong before.
    pub fault: Option<RegisterFault>,
}

/// One way of proving, as it is chosen.
struct Choice {
    word: &'static str,
    label: &'static str,
    detail: &'static str,
    checked: bool,
}

#[derive(Template)]
#[template(path = "register.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a RegisterForm,
    fault: Option<(&'static str, &'static str)>,
    proofs: Vec<Choice>,
    action: &'static str,
    name_max: usize,
    keys_max: usize,
}

/// The form.
pub fn register(form: &RegisterForm) -> Html {
    let frame = &form.frame;
    let choice = |proof: Proof| {
        let (label, detail) = proof.texts();
        Choice { word: proof.word(), label: frame.t(label), detail: frame.t(detail), checked: proof == form.proof }
    };
    let fault = form.fault.map(RegisterFault::said).map(|(text, control)| (frame.t(text), control));
    let title = frame.t(Text::RegisterTitle);
    let page = Page {
        frame,
        title: if fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() },
        form,
        fault,
        proofs: Proof::ALL.map(choice).into_iter().collect(),
        action: REGISTER_PAGE,
        name_max: NAME_CHARACTERS_MAX,
        keys_max: KEYS_BYTES_MAX,
    };
    Html::of(&page, frame, None)
}

#[derive(Template)]
#[template(path = "registered.html")]
struct DonePage<'a> {
    frame: &'a Frame,
    title: String,
    registration: &'a Registration,
    calls: &'static str,
}

/// It was just registered: its id and its secrets, this once.
pub fn registered(frame: &Frame, registration: &Registration) -> Html {
    let title = frame.fill(Text::RegisteredTitle, &crate::plain::plain(&registration.client_name));
    Html::of(&DonePage { frame, title, registration, calls: REGISTER_CALLS }, frame, None)
}
