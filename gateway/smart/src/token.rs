//! The token endpoint: a code becomes a grant with its tokens, a refresh token becomes the next ones; what a backend service
//! gets for itself is in [`crate::backend`].
//!
//! RFC 6749 sections 4.1.3, 5 and 6; SMART App Launch 2.2.0 ("Obtain access token"). A code is single use because the
//! grant made from it has a name that follows from the code and can be created once: of a hundred who redeem a code at
//! once one creates the grant, and the others find it and end it (RFC 6749 section 4.1.2).

use crate::account::Account;
use crate::authority::Authority;
use crate::claims::{AccessClaims, IdClaims};
use crate::client::Client;
use crate::consent::Code;
use crate::context::ContextItem;
use crate::grant::Grant;
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError, shown};
use crate::parameters::Parameters;
use crate::pkce;
use crate::ports::{Ports, Space, Swap, Unavailable};
use crate::purpose;
use crate::settings::{ACCESS_TOKEN_S, ID_TOKEN_S, ONLINE_TOKEN_S, REFRESH_S, SESSION_S};
use fhir::Id;
use privacy::scope::Scope;
use privacy::{Purpose, Scopes};
use serde::Serialize;

/// The answer of the token endpoint. To be sent with `Cache-Control: no-store` and `Pragma: no-cache`, and never logged.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Opens the FHIR interface.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// The life of the access token in seconds.
    pub expires_in: i64,
    /// What was granted.
    pub scope: String,
    /// The patient in context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// What else the EHR that opened the app said.
    #[serde(flatten)]
    pub launch: ToldLaunch,
    /// Gets the next tokens without the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// The launch context beside the patient, in SMART's words; nothing of an app that opened by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ToldLaunch {
    /// The encounter that was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter: Option<String>,
    /// What else was open.
    #[serde(rename = "fhirContext", skip_serializing_if = "Vec::is_empty")]
    pub fhir_context: Vec<ContextItem>,
    /// Whether the app must show whose chart it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_patient_banner: Option<bool>,
    /// What the app is to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// How the pages around it look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smart_style_url: Option<String>,
}

/// What comes with a code.
struct Redeemed<'a> {
    code: Option<&'a str>,
    redirect_uri: Option<&'a str>,
    verifier: Option<&'a str>,
    purpose: Option<&'a str>,
}

impl Tokens {
    /// The JSON body.
    pub fn body(&self) -> Result<String, Unavailable> {
        serde_json::to_string(self).map_err(|_| Unavailable("an answer with tokens cannot be written".to_owned()))
    }
}

impl<P: Ports> Authority<P> {
    /// Answers a request at the token endpoint: its `Authorization` header and its form.
    ///
    /// # Errors
    /// [`OauthError`] in the words of RFC 6749 section 5.2.
    pub async fn token(
        &self,
        authorization: Option<&str>,
        form: &[(String, String)],
        now_s: i64,
    ) -> Result<Tokens, OauthError> {
        let parameters = Parameters::new(form).usable()?;
        let of = |name: &str| parameters.get(name).ok().flatten();
        match of("grant_type") {
            Some("authorization_code") => {
                let client = self.proven_client(authorization, parameters, now_s).await?;
                let (code, redirect_uri, verifier) = (of("code"), of("redirect_uri"), of("code_verifier"));
                let redeemed = Redeemed { code, redirect_uri, verifier, purpose: of(purpose::PARAMETER) };
                self.redeem(&client, redeemed, now_s).await
            }
            Some("refresh_token") => {
                let client = self.proven_client(authorization, parameters, now_s).await?;
                let asked = (of("scope"), of(purpose::PARAMETER));
                self.refresh(&client, of("refresh_token"), asked, now_s).await
            }
            Some("client_credentials") => {
                let client = self.proven_client(authorization, parameters, now_s).await?;
                self.serve_itself(&client, of("scope"), of(purpose::PARAMETER), now_s).await
            }
            Some(other) => Err(OauthError::new(
                ErrorCode::UnsupportedGrantType,
                format!(
                    "grant_type was {}; this server knows authorization_code, refresh_token and client_credentials. Send one \
                     of them.",
                    shown(other)
                ),
            )),
            None => Err(OauthError::new(
                ErrorCode::InvalidRequest,
                "grant_type is missing. Send authorization_code, refresh_token or client_credentials, in a form of type \
                 application/x-www-form-urlencoded.",
            )),
        }
    }

    async fn redeem(&self, client: &Client, redeemed: Redeemed<'_>, now_s: i64) -> Result<Tokens, OauthError> {
        let secret = redeemed.code.ok_or_else(|| missing("code"))?;
        let grant_id = self.grant_id(secret);
        let found = self.look::<Code>(Space::Code, secret).await?;
        let Some(code) = found.filter(|_| !self.meets(&client.client_id, Mishap::Code)) else {
            return Err(self.used_or_unknown(client, &grant_id, now_s).await?);
        };
        if let Err(why) = self.fits(client, &code, &redeemed, now_s) {
            // Whoever holds a code without what belongs to it may have found it: it is worth nothing any more.
            self.take::<Code>(Space::Code, secret).await?;
            return Err(why);
        }
        let grant = self.grant_of(grant_id, client, &code, now_s).await?;
        match self.swap_grant(&grant, None).await? {
            Swap::Stale => Err(self.used_or_unknown(client, &grant.id, now_s).await?),
            Swap::Done(_) => {
                // The grant stands, so the code is of no more use; taking it away only tidies up.
                self.take::<Code>(Space::Code, secret).await?;
                // Whoever switched account or app off, ended the session, or stopped the app, just now may have looked for grants
                // before this one stood.
                let account = self.live_account(&grant.username, &grant.account).await?;
                let Some(account) = account else { return Err(self.ended(&grant, switched_off(), now_s).await?) };
                let Some(client) = self.live_client(&grant.client).await? else {
                    return Err(self.ended(&grant, switched_off(), now_s).await?);
                };
                if self.as_registered(&client)? != code.registered {
                    return Err(self.ended(&grant, registered_anew(), now_s).await?);
                }
                if !self.session_holds(&grant, &account, now_s).await? {
                    return Err(self.ended(&grant, signed_out(), now_s).await?);
                }
                if self.stops(&grant.account, &grant.client).await? != code.stops {
                    return Err(self.ended(&grant, stopped(), now_s).await?);
                }
                let refresh_token = grant.can_be_renewed().then(|| self.refresh_token(&grant)).transpose()?;
                let id_token = self.id_token(&grant, &code, now_s)?;
                Ok(Tokens { refresh_token, id_token, ..self.access(&grant, &grant.scopes, now_s)? })
            }
        }
    }

    /// A code that is not there: when a grant was made from it, it was used before, and that grant ends.
    async fn used_or_unknown(&self, client: &Client, grant_id: &str, now_s: i64) -> Result<OauthError, Unavailable> {
        let grant = self.kept_grant(grant_id).await?.filter(|(grant, _)| grant.client == client.client_id);
        if grant.is_none() {
            return Ok(invalid_grant(
                "The code is not known here. It may have run out (codes live for 60 seconds), been spent by an earlier request \
                 that failed, or belong to another server. Start the authorization again.",
            ));
        }
        self.end_grant(grant_id, now_s).await?;
        Ok(invalid_grant(
            "The code was used before, so what it had given was revoked. Use each code once, and start the authorization \
             again.",
        ))
    }

    /// Whether the code was given to this client, for this address, to whoever holds the verifier, a moment ago.
    fn fits(&self, client: &Client, code: &Code, redeemed: &Redeemed<'_>, now_s: i64) -> Result<(), OauthError> {
        if now_s >= code.expires_s {
            return Err(invalid_grant(
                "The code has run out; codes live for 60 seconds. Start the authorization again.",
            ));
        }
        if code.client != client.client_id {
            return Err(invalid_grant("The code was given to another client. Start the authorization again."));
        }
        if redeemed.redirect_uri.ok_or_else(|| missing("redirect_uri"))? != code.redirect_uri {
            return Err(invalid_grant(
                "redirect_uri is not the one that the code was sent to. Send the same as in the authorization request, \
                 letter for letter.",
            ));
        }
        if !pkce::holds(&self.ports, redeemed.verifier.ok_or_else(|| missing("code_verifier"))?, &code.challenge) {
            return Err(invalid_grant(
                "code_verifier does not belong to the code_challenge of the authorization request. Send the verifier whose \
                 SHA-256 was the challenge.",
            ));
        }
        purpose::repeated(redeemed.purpose, code.purpose)
    }

    async fn grant_of(&self, id: String, client: &Client, code: &Code, now_s: i64) -> Result<Grant, OauthError> {
        let who = (code.username.as_str(), code.account.as_str());
        let account = self.still_allowed(client, who, code.patient.as_ref(), code.purpose).await?;
        let offline = code.scopes.has(Scope::OfflineAccess);
        let online = code.scopes.has(Scope::OnlineAccess) && !offline;
        Ok(Grant {
            id,
            client: code.client.clone(),
            account: account.id.clone(),
            username: account.username.clone(),
            role: account.role,
            fhir_user: account.fhir_user.clone(),
            patient: code.patient.clone(),
            launch: code.launch.clone(),
            scopes: code.scopes.clone(),
            purpose: code.purpose,
            session: online.then(|| code.session.clone()),
            created_s: now_s,
            used_s: now_s,
            expires_s: match (offline, online) {
                (true, _) => now_s + REFRESH_S,
                // The time of the sign-in: a session ends after a shift, whatever happens.
                (false, true) => code.auth_s + SESSION_S,
                (false, false) => now_s + ACCESS_TOKEN_S,
            },
            generation: 0,
            secret: self.ports.token(),
            revoked_s: None,
        })
    }

    /// Whether a grant that lives with a session still may: the session lives, and this is a use of it.
    pub(crate) async fn session_holds(
        &self,
        grant: &Grant,
        account: &Account,
        now_s: i64,
    ) -> Result<bool, Unavailable> {
        let Some(digest) = &grant.session else { return Ok(true) };
        match self.kept_session(digest).await? {
            Some(session) => self.use_session(&session, account, now_s).await,
            None => Ok(false),
        }
    }

    /// Ends a grant, for this reason.
    pub(crate) async fn ended(&self, grant: &Grant, why: OauthError, now_s: i64) -> Result<OauthError, Unavailable> {
        self.end_grant(&grant.id, now_s).await?;
        Ok(why)
    }

    /// The account of this name and id, when it is still enabled and may still ask, through this app and for this purpose,
    /// about the patient.
    pub(crate) async fn still_allowed(
        &self,
        client: &Client,
        (username, id): (&str, &str),
        patient: Option<&Id>,
        purpose: Purpose,
    ) -> Result<Account, OauthError> {
        let account = self.live_account(username, id).await?.ok_or_else(switched_off)?;
        if !client.may_act_for(purpose, &account) {
            return Err(purpose_lost());
        }
        match patient {
            Some(patient) if !self.may_ask_about(&account, patient).await? => Err(switched_off()),
            Some(_) | None => Ok(account),
        }
    }

    /// An access token on a grant, for these of its scopes.
    pub(crate) fn access(&self, grant: &Grant, scopes: &Scopes, now_s: i64) -> Result<Tokens, Unavailable> {
        let life_s = if grant.session.is_some() { ONLINE_TOKEN_S } else { ACCESS_TOKEN_S };
        let expires_in = life_s.min(grant.expires_s - now_s);
        let scope = scopes.to_string();
        let patient = grant.patient.as_ref().map(Id::to_string);
        let claims = AccessClaims {
            iss: self.settings.issuer().to_owned(),
            sub: grant.account.clone(),
            aud: self.settings.fhir_base.clone(),
            client_id: grant.client.clone(),
            jti: self.ports.token(),
            iat: now_s,
            exp: now_s + expires_in,
            scope: scope.clone(),
            grant: grant.id.clone(),
            patient: patient.clone(),
            fhir_user: self.told_fhir_user(grant, scopes),
            purpose: grant.purpose.code().to_owned(),
        };
        let access_token = self.ports.sign_access_token(&claims)?;
        Ok(Tokens {
            access_token,
            token_type: "Bearer",
            expires_in,
            scope,
            patient,
            launch: self.told_launch(grant),
            refresh_token: None,
            id_token: None,
        })
    }

    fn id_token(&self, grant: &Grant, code: &Code, now_s: i64) -> Result<Option<String>, Unavailable> {
        if !grant.scopes.has(Scope::OpenId) {
            return Ok(None);
        }
        let claims = IdClaims {
            iss: self.settings.issuer().to_owned(),
            sub: grant.account.clone(),
            aud: grant.client.clone(),
            iat: now_s,
            exp: now_s + ID_TOKEN_S,
            auth_time: code.auth_s,
            nonce: code.nonce.clone(),
            fhir_user: self.told_fhir_user(grant, &grant.scopes),
        };
        self.ports.sign_id_token(&claims).map(Some)
    }

    /// What the app is told of how it was opened.
    pub(crate) fn told_launch(&self, grant: &Grant) -> ToldLaunch {
        let Some(launch) = &grant.launch else { return ToldLaunch::default() };
        let ours = || self.settings.at(&self.settings.style);
        ToldLaunch {
            encounter: launch.encounter.as_ref().map(Id::to_string),
            fhir_context: launch.fhir_context.clone(),
            need_patient_banner: Some(launch.need_patient_banner),
            intent: launch.intent.clone(),
            smart_style_url: Some(launch.smart_style_url.clone().unwrap_or_else(ours)),
        }
    }

    /// The person, where the app is told who signed in.
    pub(crate) fn told_fhir_user(&self, grant: &Grant, scopes: &Scopes) -> Option<String> {
        let told = scopes.has(Scope::FhirUser) || scopes.has(Scope::Profile);
        grant.fhir_user_address(&self.settings.fhir_base).filter(|_| told)
    }

    /// The id of the grant that a code makes.
    pub(crate) fn grant_id(&self, code: &str) -> String {
        self.digest(&format!("grant made from code {code}"))
    }
}

/// The registration was changed behind a grant.
fn purpose_lost() -> OauthError {
    invalid_grant(
        "The client is no longer registered for the purpose that this was granted for. Start the authorization again.",
    )
}

/// The app is another than the one that the person saw.
fn registered_anew() -> OauthError {
    invalid_grant(
        "The client's registration was changed after the person had agreed. Start the authorization again, so that they see it.",
    )
}

/// The account may not have what was asked for any more.
fn switched_off() -> OauthError {
    invalid_grant(
        "The account was switched off, or may no longer ask about this patient. The person must authorize again.",
    )
}

/// The session that a grant lived with has ended.
pub(crate) fn signed_out() -> OauthError {
    invalid_grant(
        "The person has signed out, or was away for too long, and online_access ends with that. The person must authorize \
         again.",
    )
}

/// The person stopped the app after the code was given.
fn stopped() -> OauthError {
    invalid_grant("The person stopped the app after the code was given. The person must authorize again.")
}

/// The code or refresh token does not hold.
pub(crate) fn invalid_grant(text: &'static str) -> OauthError {
    OauthError::new(ErrorCode::InvalidGrant, text)
}

/// A parameter that must be there is not.
pub(crate) fn missing(name: &str) -> OauthError {
    OauthError::new(ErrorCode::InvalidRequest, format!("{name} is missing. Send it in the form."))
}
