//! Signing in at the house's own OpenID provider: the way there, and back with an answer that holds.
//!
//! OpenID Connect Core 1.0 section 3.1 (code flow), RFC 7636 (S256), RFC 9207, RFC 9700. Here we are the client. The way there
//! leaves a ticket under a `state` that counts once, in the browser that it was given to; nonce and verifier are made of the
//! state and the browser's own token, so that neither is kept. What comes back is believed in nothing that the id_token does
//! not say under a key of the provider's: [`crate::id_token`]. An account is found by issuer and subject alone, never by a
//! name or an address.

use crate::account::{Account, ProviderSubject};
use crate::authority::{Authority, KEY_BYTES_MAX, read, write};
use crate::flow::Stopped;
use crate::id_token::{Expected, subject};
use crate::login::{NotSignedIn, SignedIn, Visit};
use crate::ports::{Freshness, NamedBy, Ports, Signed, Space, Swap, Unavailable};
use crate::redirect;
use crate::settings::{FLOW_S, PROVIDER_ANSWER, ProviderSettings};
use serde::{Deserialize, Serialize};

/// The name under which its keys are fetched and kept; no client id has spaces.
const KEYS_OF: &str = "the login provider";
/// Bytes of a code; the usual ones have some forty, and some are tokens.
const CODE_BYTES_MAX: usize = 4096;
/// Bytes of a word for the page that was wanted.
const TO_BYTES_MAX: usize = 64;

/// A sign-in that is under way there. Times in seconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Away {
    /// The digest of the browser's token.
    browser: String,
    /// The launch that waits, if one does. By itself, without the browser's token, its id opens nothing.
    flow: Option<String>,
    /// The page that was wanted, by its word.
    to: String,
    begun_s: i64,
    /// Whether the provider is to ask for a sign-in, whoever is signed in there.
    #[serde(default)]
    anew: bool,
}

/// What the provider publishes of itself, as far as it is used here.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    /// Whether its answers name their issuer (RFC 9207 section 3).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What a token endpoint answers, as far as it is used here.
#[derive(Deserialize)]
struct Redeemed {
    id_token: String,
}

/// Where someone goes on who came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The launch that waits, if one does.
    pub flow: Option<String>,
    /// The page that was wanted, by its word.
    pub to: String,
}

/// Why nobody was signed in who came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBack {
    /// The answer does not belong to this browser, or does not hold. The text is for our log alone, and names no value.
    Refused(&'static str),
    /// The provider knows the person, and no account that may sign in here belongs to them.
    Stranger,
    /// The launch cannot go on.
    Stopped(Stopped),
}

impl From<Unavailable> for NotBack {
    fn from(why: Unavailable) -> NotBack {
        NotBack::Stopped(why.into())
    }
}

/// What became of saying anew whom the provider knows an account as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relinked {
    /// It is so from now on.
    Done,
    /// There is no account of this name.
    UnknownAccount,
    /// Another account belongs to whom the provider knows so.
    SubjectTaken,
    /// It has no password, so nobody could sign in to it any more.
    NoWayLeft,
}

/// Which account belongs to whom the provider knows.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    username: String,
    account: String,
}

impl<P: Ports> Authority<P> {
    /// The address at the provider to which a browser is sent to sign in, for a launch or for a page of one's own.
    ///
    /// # Errors
    /// `Lost` where there is no provider, or no such launch in this browser; `Unavailable` where the provider cannot be asked.
    pub async fn to_provider(&self, flow: Option<&str>, to: &str, visit: &Visit<'_>) -> Result<String, Stopped> {
        let own = self.settings.provider.as_ref().ok_or(Stopped::Lost)?;
        // Who is signed in here and comes for another sign-in wants to be somebody else, or to be asked again.
        let mut anew = visit.session.is_some();
        if let Some(flow) = flow {
            let under_way = self.flow(flow, visit.browser, visit.now_s).await?;
            self.flow_client(&under_way).await?;
            anew |= under_way.login_again;
        }
        let known = self.provider_configuration(own).await?;
        let state = self.ports.token();
        let away = Away {
            browser: self.digest(visit.browser),
            flow: flow.map(str::to_owned),
            to: Some(to).filter(|to| to.len() <= TO_BYTES_MAX).unwrap_or("").to_owned(),
            begun_s: visit.now_s,
            anew,
        };
        self.keep(Space::Away, &state, &away, visit.now_s + FLOW_S).await?;
        let challenge = self.digest(&self.of_this_way("verifier", &state, visit.browser));
        let nonce = self.of_this_way("nonce", &state, visit.browser);
        let redirect_uri = self.settings.at(PROVIDER_ANSWER);
        let mut request = vec![
            ("response_type", "code"),
            ("scope", "openid"),
            ("client_id", own.client_id.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("state", state.as_str()),
            ("nonce", nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if anew {
            request.extend([("prompt", "login"), ("max_age", "0")]);
        }
        Ok(redirect::with_answer(&known.authorization_endpoint, &request))
    }

    /// Signs someone in by the provider's answer, the query that their browser came back with; or asks for the code of their
    /// second factor, where they have one here.
    ///
    /// # Errors
    /// [`NotBack`].
    pub async fn from_provider(
        &self,
        answer: &[(String, String)],
        visit: &Visit<'_>,
    ) -> Result<(SignedIn, Back), NotBack> {
        let own = self.settings.provider.as_ref().ok_or(NotBack::Stopped(Stopped::Lost))?;
        let once = |name: &str| {
            let mut all = answer.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
            match (all.next(), all.next()) {
                (value, None) => Ok(value),
                (_, Some(_)) => Err(NotBack::Refused("a parameter of the answer is there twice")),
            }
        };
        let (state, code, error, iss) = (once("state")?, once("code")?, once("error")?, once("iss")?);
        let state = state.filter(|state| state.len() <= KEY_BYTES_MAX).ok_or(NotBack::Refused("there is no state"))?;
        // Whoever looks uses it up, so that no answer is tried twice.
        let away: Option<Away> = self.take(Space::Away, state).await?;
        let away = away.ok_or(NotBack::Refused("the state is not known, was used, or has run out"))?;
        let in_time = visit.now_s < away.begun_s + FLOW_S;
        if !in_time || !self.ports.equal(self.digest(visit.browser).as_bytes(), away.browser.as_bytes()) {
            return Err(NotBack::Refused("the state has run out, or is of another browser"));
        }
        let known = self.provider_configuration(own).await?;
        match iss {
            Some(iss) if iss != own.issuer => return Err(NotBack::Refused("the answer is of another issuer")),
            None if known.authorization_response_iss_parameter_supported => {
                return Err(NotBack::Refused("the answer does not name its issuer, as the provider said it would"));
            }
            Some(_) | None => {}
        }
        if error.is_some() {
            return Err(NotBack::Refused("the provider answered with an error"));
        }
        let code = code.filter(|code| (1..=CODE_BYTES_MAX).contains(&code.len()));
        let code = code.ok_or(NotBack::Refused("there is no code"))?;
        let id_token = self.redeem_at_provider(&known, code, state, visit).await?;
        let nonce = self.of_this_way("nonce", state, visit.browser);
        let signed_in_since = away.anew.then_some(away.begun_s);
        let expected = Expected { issuer: &own.issuer, client_id: &own.client_id, nonce: &nonce, signed_in_since };
        let subject = self.provider_subject(&id_token, &expected, &known, visit.now_s).await?;
        let account = self.account_of_subject(own, &subject).await?.ok_or(NotBack::Stranger)?;
        let back = Back { flow: away.flow, to: away.to };
        self.signed_in_there(&account, back, visit).await
    }

    async fn signed_in_there(
        &self,
        account: &Account,
        back: Back,
        visit: &Visit<'_>,
    ) -> Result<(SignedIn, Back), NotBack> {
        let flow = back.flow.as_deref();
        if self.is_asked_for_code(account).await? {
            let half = self.half_way(flow, account, visit).await?;
            return Ok((SignedIn::Code(half), back));
        }
        let token = self.signed_in(flow, account, visit).await.map_err(|why| match why {
            NotSignedIn::Stopped(why) => NotBack::Stopped(why),
            NotSignedIn::Wrong | NotSignedIn::TooMany => NotBack::Stranger,
        })?;
        // Whoever switched the account off or a second factor on just now may have ended sessions before this one stood.
        let now = self.live_account(&account.username, &account.id).await?;
        let same = now.is_some_and(|now| now.provider == account.provider);
        if !same || self.is_asked_for_code(account).await? {
            self.sign_out(Some(&token), visit.now_s).await?;
            return Err(NotBack::Stranger);
        }
        Ok((SignedIn::Session(token), back))
    }

    /// What the provider says of itself, if it is the one that is configured and can be trusted with what follows.
    async fn provider_configuration(&self, own: &ProviderSettings) -> Result<Configuration, Unavailable> {
        let text = self.ports.configuration(&own.issuer).await?;
        let wrong = |why: &str| Unavailable(format!("the login provider's configuration cannot be used: {why}"));
        let known: Configuration = serde_json::from_str(&text).map_err(|_| wrong("it lacks what it must have"))?;
        if known.issuer != own.issuer {
            return Err(wrong("it names another issuer than login.provider.issuer, letter for letter"));
        }
        // With a key set that anyone on the way could change, everyone could be anyone.
        let all = [&known.authorization_endpoint, &known.token_endpoint, &known.jwks_uri];
        if !all.into_iter().all(|address| redirect::is_web_address(address)) {
            return Err(wrong("it has an address that is not https"));
        }
        Ok(known)
    }

    async fn redeem_at_provider(
        &self,
        known: &Configuration,
        code: &str,
        state: &str,
        visit: &Visit<'_>,
    ) -> Result<String, NotBack> {
        let redirect_uri = self.settings.at(PROVIDER_ANSWER);
        let verifier = self.of_this_way("verifier", state, visit.browser);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let answer = self.ports.redeem(&known.token_endpoint, &form).await;
        // Whoever brings a code that is not theirs is not told from one who brings none; the edge logs what came instead.
        let answer = answer.map_err(|_| NotBack::Refused("the provider gave nothing for the code"))?;
        let redeemed: Result<Redeemed, _> = serde_json::from_str(&answer);
        redeemed.map(|redeemed| redeemed.id_token).map_err(|_| NotBack::Refused("there is no id_token"))
    }

    /// Whom an id_token is about, once it holds. A set of keys that lacks its key is fetched anew: it may have been exchanged.
    async fn provider_subject(
        &self,
        id_token: &str,
        expected: &Expected<'_>,
        known: &Configuration,
        now_s: i64,
    ) -> Result<String, NotBack> {
        let opened = self.ports.open_token(id_token).ok_or(NotBack::Refused("the id_token cannot be read"))?;
        // What it says is looked at first, so that a token that could not hold makes us fetch nothing.
        let subject = subject(&opened, expected, now_s).map_err(NotBack::Refused)?;
        let kept = self.ports.key_set(KEYS_OF, (&known.jwks_uri, NamedBy::Operator), Freshness::Kept).await?;
        let signed = match self.ports.is_signed_by_provider(id_token, &kept) {
            Signed::NoSuchKey => {
                let newer = self.ports.key_set(KEYS_OF, (&known.jwks_uri, NamedBy::Operator), Freshness::Anew).await?;
                self.ports.is_signed_by_provider(id_token, &newer)
            }
            found @ (Signed::ByKey | Signed::NotByKey) => found,
        };
        match signed {
            Signed::ByKey => Ok(subject),
            Signed::NotByKey => Err(NotBack::Refused("the id_token is not signed by the key that it names")),
            Signed::NoSuchKey => Err(NotBack::Refused("the provider has no key of the id_token's kid and alg")),
        }
    }

    /// Something that only this browser can have on this way: nobody else knows its token.
    fn of_this_way(&self, what: &str, state: &str, browser: &str) -> String {
        self.digest(&format!("login provider {what} {state} {browser}"))
    }

    /// The account that belongs to whom the provider knows, while it may sign in.
    async fn account_of_subject(&self, own: &ProviderSettings, subject: &str) -> Result<Option<Account>, Unavailable> {
        let Some(link) = self.get::<Link>(Space::Subject, &self.link_key(&own.issuer, subject)?).await? else {
            return Ok(None);
        };
        let account = self.live_account(&link.username, &link.account).await?;
        // The account has the last word: what points to it may be older than it.
        let is_theirs = |account: &Account| {
            account.provider.as_ref().is_some_and(|known| known.issuer == own.issuer && known.subject == subject)
        };
        Ok(account.filter(is_theirs))
    }

    /// Notes whom the provider knows an account as; says whether nobody else is known so. Before the account is there: a
    /// note without an account is nobody's, and is written over.
    pub(crate) async fn link(&self, account: &Account) -> Result<bool, Unavailable> {
        let Some(known) = &account.provider else { return Ok(true) };
        let key = self.link_key(&known.issuer, &known.subject)?;
        let link = Link { username: Account::username_key(&account.username), account: account.id.clone() };
        let noted = self.ports.document(Space::Subject, &key).await?;
        if let Some(kept) = &noted {
            let other: Link = read(&kept.json)?;
            let theirs = self.account(&other.username).await?.filter(|account| account.id == other.account);
            if other.account != account.id && theirs.is_some_and(|theirs| theirs.provider.as_ref() == Some(known)) {
                return Ok(false);
            }
        }
        let revision = noted.map(|kept| kept.revision);
        let swap = self.ports.swap_document(Space::Subject, &key, revision, write(&link)?).await?;
        Ok(matches!(swap, Swap::Done(_)))
    }

    /// Says anew whom the provider knows an account as, or that it knows nobody by it. Whoever was signed in has to sign in again,
    /// and what apps may do while a session lasts ends.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn relink(
        &self,
        username: &str,
        provider: Option<ProviderSubject>,
        now_s: i64,
    ) -> Result<Relinked, Unavailable> {
        let Some(account) = self.account(username).await? else { return Ok(Relinked::UnknownAccount) };
        if provider.is_none() && account.phc().is_none() {
            return Ok(Relinked::NoWayLeft);
        }
        if !self.link(&Account { provider: provider.clone(), ..account }).await? {
            return Ok(Relinked::SubjectTaken);
        }
        let change = |account| Account { provider: provider.clone(), password_set_s: now_s, ..account };
        let Some(account) = self.change_account(username, change).await? else { return Ok(Relinked::UnknownAccount) };
        self.stop_codes(&account.id).await?;
        self.end_other_sessions(&account, None, now_s).await?;
        Ok(Relinked::Done)
    }

    fn link_key(&self, issuer: &str, subject: &str) -> Result<String, Unavailable> {
        Ok(self.digest(&write(&[issuer, subject])?))
    }
}
