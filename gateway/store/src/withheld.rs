//! Records of a server behind us whose earlier versions are never shown again, because a laboratory took them back as
//! another person's. That server keeps the versions; here stands that they are not to be asked for.

use crate::error::StoreError;
use crate::open::Store;
use fhir::{Id, ResourceType};

impl Store {
    /// Remembers that earlier versions of these records are never to be shown again; on return that is durable.
    ///
    /// # Errors
    /// The disk's.
    pub async fn withhold_earlier(&self, names: &[(ResourceType, Id)]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<[&str; 2]> = names.iter().map(|(kind, id)| [kind.as_str(), id.as_str()]).collect();
        let names = serde_json::json!(names).to_string();
        let work = self.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT OR IGNORE INTO withheld (kind, id)
                    SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?) j";
                sqlx::query(sql).bind(names).execute(connection).await?;
                Ok(())
            })
        });
        work.await
    }

    /// Whether earlier versions of this record are never to be shown.
    ///
    /// # Errors
    /// The disk's.
    pub async fn withholds_earlier(&self, kind: ResourceType, id: &Id) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM withheld WHERE kind = ? AND id = ?)";
        let asked = sqlx::query_scalar(sql).bind(kind.as_str()).bind(id.as_str());
        Ok(asked.fetch_one(self.readers()).await?)
    }
}
