//! What all pages share: the language, the way to the other one, the rules for the browser.

use crate::plain::plain;
use crate::style::stylesheet_path;
use crate::text::Text;
use askama::Template;
use smart::Locale;

/// A page, and what the browser is told about it.
#[derive(Clone)]
pub struct Html {
    /// The whole document.
    pub body: String,
    /// Its language, for `Content-Language`.
    pub locale: Locale,
    /// Where its forms may lead beside this server: the app that waits for an answer.
    answers_to: Option<String>,
}

impl Html {
    pub(crate) fn of(template: &impl Template, frame: &Frame, answers_to: Option<String>) -> Html {
        // Writing into a string fails only when a template says so, and ours do not; the page then says nothing.
        Html { body: template.render().unwrap_or_default(), locale: frame.locale, answers_to }
    }

    /// The `Content-Security-Policy`: nothing but our stylesheet, and forms that lead to us and to the app.
    ///
    /// Chromium follows a form through its redirects, so the app's address must be named where consent is answered.
    pub fn content_security_policy(&self) -> String {
        let app = self.answers_to.as_deref().map(|source| format!(" {source}")).unwrap_or_default();
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{app}; \
             frame-ancestors 'none'; base-uri 'none'"
        )
    }
}

/// An app, as pages name it.
#[derive(Debug, Clone)]
pub struct App {
    name: String,
    owner: Option<String>,
    terms_uri: Option<String>,
    answers_to: Option<String>,
    by_itself: bool,
}

impl App {
    /// An app as it is registered, and where it will be answered.
    pub fn new(asking: &smart::flow::Asking) -> App {
        let client = &asking.client;
        let name = plain(&client.name);
        App {
            name: if name.is_empty() { plain(&client.client_id) } else { name },
            owner: client.owner.as_deref().map(plain).filter(|owner| !owner.is_empty()),
            terms_uri: client.terms_uri.clone().filter(|uri| uri.starts_with("https://")),
            answers_to: asking.answers_to.clone(),
            by_itself: client.by_itself.is_some(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    pub(crate) fn terms_uri(&self) -> Option<&str> {
        self.terms_uri.as_deref()
    }

    pub(crate) fn answers_to(&self) -> Option<&str> {
        self.answers_to.as_deref()
    }

    /// Whether it registered itself, and was checked by nobody.
    pub(crate) fn by_itself(&self) -> bool {
        self.by_itself
    }

    pub(crate) fn source(&self) -> Option<String> {
        self.answers_to.clone()
    }
}

/// The person who is signed in, as every page shows them to themselves.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The name that they typed.
    pub username: String,
    /// What their forms carry along to prove that they are ours.
    pub form: String,
}

/// The language of a page, and its own address, from which the other language can be reached.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Who looks at it, when someone has signed in.
    pub signed_in: Option<SignedIn>,
    /// The language.
    pub locale: Locale,
    /// Path and query of the page, without `lang`; `None` where it cannot be asked for again.
    pub here: Option<String>,
}

impl Frame {
    /// A text in the page's language.
    pub(crate) fn t(&self, text: Text) -> &'static str {
        text.say(self.locale)
    }

    /// A text in the page's language with one word filled in.
    pub(crate) fn fill(&self, text: Text, word: &str) -> String {
        self.t(text).replace("{}", word)
    }

    /// Who is signed in, as a sentence.
    pub(crate) fn signed_in_as(&self) -> Option<String> {
        self.signed_in.as_ref().map(|person| self.fill(Text::SignedInAs, &plain(&person.username)))
    }

    /// The token of the session's forms; empty where nobody is signed in, which no form is accepted with.
    pub(crate) fn form(&self) -> &str {
        self.signed_in.as_ref().map_or("", |person| person.form.as_str())
    }

    pub(crate) fn account(&self) -> &'static str {
        smart::settings::ACCOUNT
    }

    pub(crate) fn logout(&self) -> &'static str {
        smart::settings::ACCOUNT_LOGOUT
    }

    pub(crate) fn stylesheet(&self) -> String {
        stylesheet_path()
    }

    /// The languages, the way to each, and whether it is the one shown.
    pub(crate) fn languages(&self) -> Vec<Language> {
        let Some(here) = &self.here else { return Vec::new() };
        let joint = if here.contains('?') { '&' } else { '?' };
        Locale::ALL
            .into_iter()
            .map(|locale| Language {
                tag: locale.tag(),
                name: Text::LanguageName.say(locale),
                href: format!("{here}{joint}lang={}", locale.tag()),
                current: locale == self.locale,
            })
            .collect()
    }
}

/// One choice of the language switch.
pub(crate) struct Language {
    pub(crate) tag: &'static str,
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}
