//! stub
use fhir::{Id, ResourceType}; use fhir::search::Query; use privacy::*; use json::Document;
pub struct Upstream;
impl Upstream { pub async fn ready(&self)->bool{false} pub async fn patients_in_care_of(&self,_:&Id)->Result<Vec<Id>,Refusal>{Ok(vec![])}
 pub async fn current(&self,_:ResourceType,_:&str)->Result<Option<Phi<Document>>,Refusal>{Ok(None)}
 pub async fn put_all(&self,_:&[Phi<Document>])->Result<(),Refusal>{Ok(())}
 pub async fn patients_identified(&self,_:&str,_:&str)->Result<Vec<Phi<Document>>,Refusal>{Ok(vec![])} }
impl Source for Upstream { async fn find(&self,_:&Permit,_:&Query,_:&Cursor,_:usize)->Result<Phi<Chunk>,Refusal>{Err(Refusal::not_found())}
 async fn fetch(&self,_:&Permit,_:ResourceType,_:&Id,_:Option<&str>)->Result<Phi<Chunk>,Refusal>{Err(Refusal::not_found())} }
