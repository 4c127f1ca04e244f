//! A second factor beside the password: six digits that an authenticator app shows for half a minute (RFC 6238), and
//! recovery codes for the day when that app is lost.
//!
//! A code is worth one sign-in: the time step of the last one is kept, and what is at or before it is refused, by a swap of
//! the document's revision, so that of many who try one code at once exactly one gets in. Wrong codes are counted there as
//! well. Recovery codes are kept as digests, and each is taken off when it was used.

use crate::account::Account;
use crate::authority::Authority;
use crate::base32;
use crate::ports::{Ports, Space, Unavailable};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Seconds of a time step, the one that every authenticator app has (RFC 6238 section 4.1).
const STEP_S: i64 = 30;
/// Steps by which the app's clock may differ, each way (section 5.2 recommends at most one).
const STEPS_OFF: i64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// Bytes of a secret: as many as the digest has (RFC 4226 section 4, R6).
const SECRET_BYTES: usize = 20;
/// Recovery codes of one person.
const RECOVERY_CODES: usize = 10;
/// Letters of a recovery code: fifty bits, so that a digest without salt keeps them.
const RECOVERY_LETTERS: usize = 10;
/// Characters that are looked at of what was typed.
const TYPED_CHARS_MAX: usize = 40;
/// Wrong codes within an hour after which none is taken: guessing for a day finds one in some thousand persons.
const WRONG_MAX: u32 = 10;
/// That hour.
const WRONG_S: i64 = 3600;
/// A secret that was shown and not confirmed ends after ten minutes.
const BEGUN_S: i64 = 600;

/// What is kept of a person's second factor. Times in seconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Factor {
    /// Base32.
    secret: String,
    /// Whether it is asked for; before that it has only been shown.
    on: bool,
    since_s: i64,
    /// The digest of the session that it was shown to and that may confirm it: nobody is handed the secret of another.
    #[serde(default)]
    begun_by: String,
    /// The step of the last code that was taken.
    step: i64,
    /// Digests of the recovery codes that are left.
    recovery: Vec<String>,
    wrong: u32,
    wrong_since_s: i64,
    /// When an administrator took it off, who, and why.
    taken_off: Option<TakenOff>,
}

/// A second factor that an administrator took off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenOff {
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// Who, by their name on the machine.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
}

/// How a person's second factor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Off(Option<TakenOff>),
    /// Its secret waits to be confirmed by one code.
    Begun {
        /// The secret, to be typed.
        secret: String,
        /// The same as a link that authenticator apps take.
        link: String,
        /// Whether the password is asked for beside the code: who signs in at the login provider has none.
        has_password: bool,
    },
    /// It is asked for.
    On {
        /// Since when, in seconds since 1970.
        since_s: i64,
        /// Recovery codes left.
        recovery: usize,
    },
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It holds, and never will again.
    Holds,
    /// It is wrong, was used, or is not of this time.
    Wrong,
    /// There were too many wrong ones; nothing is looked at.
    TooMany,
}

impl<P: Ports> Authority<P> {
    /// How a person's second factor stands, to the session with this digest.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn second_factor(&self, account: &Account, session: &str, now_s: i64) -> Result<Standing, Unavailable> {
        Ok(match self.factor(account).await? {
            None => Standing::Off(None),
            Some(Factor { on: true, since_s, recovery, .. }) => Standing::On { since_s, recovery: recovery.len() },
            Some(factor) if !factor.may_be_confirmed(session, now_s) => Standing::Off(factor.taken_off),
            Some(Factor { secret, .. }) => {
                let has_password = account.phc().is_some();
                Standing::Begun { link: link(&account.username, &secret), secret, has_password }
            }
        })
    }

    /// Makes a new secret, to be confirmed in the session with this digest. One that is asked for already stays as it is.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn begin_second_factor(&self, account: &Account, session: &str, now_s: i64) -> Result<(), Unavailable> {
        let secret = base32::encode(self.random()?.get(..SECRET_BYTES).unwrap_or_default());
        let begun = |kept: Option<Factor>| match kept {
            Some(kept) if kept.on => None,
            kept => {
                let off = Factor::off(kept.and_then(|kept| kept.taken_off));
                Some(Factor { secret: secret.clone(), since_s: now_s, begun_by: session.to_owned(), ..off })
            }
        };
        self.change(Space::SecondFactor, &account.id, begun).await
    }

    /// Switches the second factor on, by one code of its secret; gives the recovery codes, which are told this once.
    pub(crate) async fn switch_second_factor_on(
        &self,
        account: &Account,
        session: &str,
        code: &str,
        now_s: i64,
    ) -> Result<Result<Vec<String>, Tried>, Unavailable> {
        let fresh: Vec<String> = (0..RECOVERY_CODES).map(|_| self.recovery_code()).collect::<Result<_, _>>()?;
        let digests: Vec<String> = fresh.iter().map(|code| self.digest(&without_spaces(code))).collect();
        let tried = self
            .try_factor(&account.id, code, now_s, |factor, tried| {
                if factor.on || !factor.may_be_confirmed(session, now_s) {
                    return Tried::Wrong;
                }
                if tried == Tried::Holds {
                    factor.on = true;
                    factor.since_s = now_s;
                    factor.taken_off = None;
                    factor.recovery.clone_from(&digests);
                }
                tried
            })
            .await?;
        Ok(if tried == Tried::Holds { Ok(fresh) } else { Err(tried) })
    }

    /// Switches the second factor off, by a code of it or a recovery code.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn end_second_factor(&self, account: &Account, code: &str, now_s: i64) -> Result<Tried, Unavailable> {
        self.try_factor(&account.id, code, now_s, |factor, tried| {
            if tried == Tried::Holds {
                *factor = Factor::off(None);
            }
            tried
        })
        .await
    }

    /// Takes a person's second factor off without a code; says whether there was one. Their sessions end.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn take_off_second_factor(&self, account: &Account, taken: TakenOff) -> Result<bool, Unavailable> {
        let mut was_on = false;
        let off = |kept: Option<Factor>| {
            was_on = kept.is_some_and(|kept| kept.on);
            was_on.then(|| Factor::off(Some(taken.clone())))
        };
        self.change(Space::SecondFactor, &account.id, off).await?;
        if was_on {
            self.end_other_sessions(account, None, taken.at_s).await?;
        }
        Ok(was_on)
    }

    /// Whether a person is asked for a code.
    pub(crate) async fn is_asked_for_code(&self, account: &Account) -> Result<bool, Unavailable> {
        Ok(self.factor(account).await?.is_some_and(|factor| factor.on))
    }

    /// Tries a code at a sign-in.
    pub(crate) async fn try_code(&self, account: &Account, code: &str, now_s: i64) -> Result<Tried, Unavailable> {
        let of_one_that_is_on = |factor: &mut Factor, tried| if factor.on { tried } else { Tried::Wrong };
        self.try_factor(&account.id, code, now_s, of_one_that_is_on).await
    }

    /// Tries a code and writes down what follows, whoever else tries meanwhile; what was not written did not hold.
    async fn try_factor(
        &self,
        account: &str,
        code: &str,
        now_s: i64,
        mut then: impl FnMut(&mut Factor, Tried) -> Tried + Send,
    ) -> Result<Tried, Unavailable> {
        let typed = without_spaces(code);
        let mut tried = Tried::Wrong;
        let change = |kept: Option<Factor>| {
            tried = Tried::Wrong;
            let mut factor = kept?;
            if factor.wrong >= WRONG_MAX && now_s < factor.wrong_since_s + WRONG_S {
                tried = Tried::TooMany;
                return None;
            }
            let held = self.use_up(&mut factor, &typed, now_s);
            tried = then(&mut factor, held);
            if tried == Tried::Holds {
                factor.wrong = 0;
            } else {
                if factor.wrong == 0 || now_s >= factor.wrong_since_s + WRONG_S {
                    (factor.wrong, factor.wrong_since_s) = (0, now_s);
                }
                factor.wrong += 1;
            }
            Some(factor)
        };
        self.change(Space::SecondFactor, account, change).await?;
        Ok(tried)
    }

    /// Takes a code off what is left of them.
    fn use_up(&self, factor: &mut Factor, typed: &str, now_s: i64) -> Tried {
        if typed.len() == DIGITS {
            let Some(secret) = base32::decode(&factor.secret).filter(|secret| !secret.is_empty()) else {
                return Tried::Wrong;
            };
            let now = now_s.div_euclid(STEP_S);
            for step in now - STEPS_OFF..=now + STEPS_OFF {
                let holds = self.ports.equal(self.code(&secret, step).as_bytes(), typed.as_bytes());
                if holds && step > factor.step {
                    factor.step = step;
                    return Tried::Holds;
                }
            }
            return Tried::Wrong;
        }
        let digest = self.digest(typed);
        let left = factor.recovery.len();
        factor.recovery.retain(|known| !self.ports.equal(known.as_bytes(), digest.as_bytes()));
        if factor.recovery.len() < left { Tried::Holds } else { Tried::Wrong }
    }

    /// The code of a time step (RFC 4226 section 5.3 over RFC 6238 section 4.2).
    pub(crate) fn code(&self, secret: &[u8], step: i64) -> String {
        let mac = self.ports.hmac_sha1(secret, &step.to_be_bytes());
        let at = usize::from(mac.last().copied().unwrap_or(0) & 15);
        let four = mac.get(at..at + 4).unwrap_or_default();
        let number = four.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    fn recovery_code(&self) -> Result<String, Unavailable> {
        let text = base32::encode(&self.random()?).to_lowercase();
        let letters: Vec<char> = text.chars().take(RECOVERY_LETTERS).collect();
        let halves = letters.chunks(RECOVERY_LETTERS / 2).map(|half| half.iter().collect::<String>());
        Ok(halves.collect::<Vec<_>>().join("-"))
    }

    /// 32 random bytes.
    fn random(&self) -> Result<Vec<u8>, Unavailable> {
        let bytes = URL_SAFE_NO_PAD.decode(self.ports.token()).unwrap_or_default();
        if bytes.len() >= SECRET_BYTES { Ok(bytes) } else { Err(Unavailable("there is no randomness".to_owned())) }
    }

    async fn factor(&self, account: &Account) -> Result<Option<Factor>, Unavailable> {
        self.get(Space::SecondFactor, &account.id).await
    }
}

impl Factor {
    fn off(taken_off: Option<TakenOff>) -> Factor {
        let (secret, recovery) = (String::new(), Vec::new());
        let begun_by = String::new();
        Factor { secret, on: false, since_s: 0, begun_by, step: 0, recovery, wrong: 0, wrong_since_s: 0, taken_off }
    }

    fn may_be_confirmed(&self, session: &str, now_s: i64) -> bool {
        !self.secret.is_empty() && self.begun_by == session && now_s < self.since_s + BEGUN_S
    }
}

/// What was typed, as codes are compared: in groups or not, in any case.
fn without_spaces(typed: &str) -> String {
    let letters = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    letters.take(TYPED_CHARS_MAX).flat_map(char::to_lowercase).collect()
}

/// The secret as a link (Key Uri Format of authenticator apps). Its names are plain letters, however the person is called.
fn link(username: &str, secret: &str) -> String {
    let mut name = String::new();
    for byte in username.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    format!("otpauth://totp/Sluice:{name}?secret={secret}&issuer=Sluice&algorithm=SHA1&digits={DIGITS}&period={STEP_S}")
}
