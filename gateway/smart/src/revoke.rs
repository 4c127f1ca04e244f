//! Ending grants: by the app (RFC 7009), or by whoever runs the gateway.
//!
//! A revoked refresh or access token ends its whole grant. The answer is the same whether the token was known or not, so
//! the endpoint tells nothing to those who guess.

use crate::authority::Authority;
use crate::client::Client;
use crate::grant::Grant;
use crate::oauth_error::OauthError;
use crate::parameters::Parameters;
use crate::ports::{Ports, Unavailable};
use crate::refresh::Refresh;
use crate::token::missing;
use std::sync::Arc;

impl<P: Ports> Authority<P> {
    /// Answers a request at the revocation endpoint: its `Authorization` header and its form. Success has no content.
    ///
    /// # Errors
    /// `invalid_client` and `invalid_request`; never for a token that is not known.
    pub async fn revoke(
        &self,
        authorization: Option<&str>,
        form: &[(String, String)],
        now_s: i64,
    ) -> Result<(), OauthError> {
        let parameters = Parameters::new(form).usable()?;
        let client = self.proven_client(authorization, parameters, now_s).await?;
        let token = parameters.get("token").ok().flatten().ok_or_else(|| missing("token"))?;
        if let Some(grant) = self.grant_of_token(&client, token, now_s).await? {
            self.end_grant(&grant, now_s).await?;
        }
        Ok(())
    }

    /// Ends every living grant that is chosen: all of an account, all of an app. Gives how many there were.
    ///
    /// # Errors
    /// When the shelf does not serve; what was ended until then stays ended.
    pub async fn end_grants(&self, chosen: impl Fn(&Grant) -> bool, now_s: i64) -> Result<usize, Unavailable> {
        let grants: Vec<Arc<Grant>> = self.grants.alive(now_s).into_iter().filter(|grant| chosen(grant)).collect();
        for grant in &grants {
            self.end_grant(&grant.id, now_s).await?;
        }
        Ok(grants.len())
    }

    /// The grant of this client that a token of ours belongs to.
    async fn grant_of_token(&self, client: &Client, token: &str, now_s: i64) -> Result<Option<String>, Unavailable> {
        if let Some(refresh) = Refresh::read(token) {
            let Some((grant, _)) = self.kept_grant(&refresh.grant).await? else { return Ok(None) };
            let own = grant.client == client.client_id && self.is_genuine(&refresh, &grant)?;
            return Ok(own.then_some(grant.id));
        }
        let principal = self.principal(token, now_s).ok();
        Ok(principal.filter(|principal| principal.client == client.client_id).map(|principal| principal.grant))
    }
}
