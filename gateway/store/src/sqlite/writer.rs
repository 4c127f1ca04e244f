//! The one connection that writes, and group commit.
//!
//! Whatever waits when a transaction begins goes into it, each piece of work within its own savepoint; the answers leave
//! once the whole is committed, which means: on the disk. A piece that fails takes nothing with it. When the disk fails,
//! the connection is thrown away with all it remembers, and everybody in the transaction is told.

use crate::error::{StoreError, is_disk_failure};
use privacy::faults::{self, Point};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Pieces of work in one transaction at most: bounds how long the first waits for the last.
const TOGETHER_MAX: usize = 128;
/// Pieces of work that may wait; then callers wait to hand theirs over.
const WAITING_MAX: usize = 1024;

/// Something under way on a connection.
pub(crate) type Pending<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;
/// Tells the caller, once it is known whether the transaction is durable.
type Tell = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Does the work on a connection, or hears why there is none; says whether what it did is to be kept.
type Job = Box<dyn for<'c> FnOnce(Result<&'c mut SqliteConnection, StoreError>) -> Pending<'c, (bool, Tell)> + Send>;

/// Hands work to the connection that writes.
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts writing on this connection. `held` is kept until the last piece of work is done.
    pub(crate) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        held: impl Send + 'static,
    ) -> Writer {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(async move {
            run(connection, options, waiting).await;
            drop(held);
        });
        Writer { jobs, task: std::sync::Mutex::new(Some(task)) }
    }

    /// Does the work in a transaction; on return it is durable, or nothing of it happened.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Pending<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let outcome = match connection {
                    Ok(connection) => work(connection).await,
                    Err(why) => Err(why),
                };
                let keep = outcome.is_ok();
                let tell: Tell = Box::new(move |committed| {
                    let answer = match outcome {
                        Ok(done) => committed.map(|()| done),
                        Err(own) => Err(own),
                    };
                    drop(tell.send(answer)); // The caller may have gone; what is durable stays so.
                });
                (keep, tell)
            })
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        told.await.map_err(|_| StoreError::Closed)?
    }

    /// The task that writes; it ends by itself when every handle is gone.
    pub(crate) fn task(&self) -> Option<JoinHandle<()>> {
        self.task.lock().ok()?.take()
    }
}

async fn run(connection: SqliteConnection, options: SqliteConnectOptions, mut waiting: mpsc::Receiver<Job>) {
    let mut connection = Some(connection);
    let mut pending = VecDeque::new();
    while let Some(job) = waiting.recv().await {
        pending.push_back(job);
        while pending.len() < TOGETHER_MAX
            && let Ok(job) = waiting.try_recv()
        {
            pending.push_back(job);
        }
        while !pending.is_empty() {
            let opened = match connection.take() {
                Some(open) => Ok(open),
                None => options.connect().await,
            };
            match opened {
                Ok(mut open) => connection = together(&mut open, &mut pending).await.then_some(open),
                Err(error) => {
                    tracing::error!(%error, "the database cannot be opened again");
                    refuse(&mut pending, &error.into()).await;
                }
            }
        }
    }
    if let Some(open) = connection
        && let Err(error) = open.close().await
    {
        tracing::warn!(%error, "the database did not close cleanly; its log is read at the next start");
    }
}

/// Tells all who wait why nothing was done.
async fn refuse(pending: &mut VecDeque<Job>, why: &StoreError) {
    for job in pending.drain(..) {
        let (_, tell) = job(Err(why.clone())).await;
        tell(Err(why.clone()));
    }
}

/// One transaction of all that is pending; whoever did not come into one that failed hears why as well. Says whether the
/// connection may be used on.
async fn together(connection: &mut SqliteConnection, pending: &mut VecDeque<Job>) -> bool {
    if let Err(error) = run_sql(connection, "BEGIN IMMEDIATE").await {
        tracing::error!(%error, "a transaction could not begin");
        let usable = !is_disk_failure(&error);
        refuse(pending, &error.into()).await;
        return usable;
    }
    let mut tells = Vec::new();
    let outcome = fill(connection, pending, &mut tells).await;
    let usable = match &outcome {
        Ok(()) => true,
        Err(error) => {
            // SQLite rolls back by itself when the disk is full or fails; then this says only that it did.
            let by_us = run_sql(connection, "ROLLBACK").await.is_ok();
            tracing::error!(%error, by_us, "a transaction was not committed");
            !is_disk_failure(error)
        }
    };
    let outcome = outcome.map_err(StoreError::from);
    for tell in tells {
        tell(outcome.clone());
    }
    if let Err(why) = &outcome {
        refuse(pending, why).await;
    }
    usable
}

async fn fill(
    connection: &mut SqliteConnection,
    pending: &mut VecDeque<Job>,
    tells: &mut Vec<Tell>,
) -> Result<(), sqlx::Error> {
    let alone = pending.len() == 1;
    while let Some(job) = pending.pop_front() {
        if alone {
            let (keep, tell) = job(Ok(&mut *connection)).await;
            tells.push(tell);
            return if keep { commit(connection).await } else { run_sql(connection, "ROLLBACK").await };
        }
        if let Err(error) = run_sql(connection, "SAVEPOINT piece").await {
            pending.push_front(job);
            return Err(error);
        }
        let (keep, tell) = job(Ok(&mut *connection)).await;
        tells.push(tell);
        let end = if keep { "RELEASE piece" } else { "ROLLBACK TO piece; RELEASE piece" };
        run_sql(connection, end).await?;
    }
    commit(connection).await
}

async fn commit(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    faults::pass(Point::BeforeCommit);
    run_sql(connection, "COMMIT").await?;
    faults::pass(Point::AfterCommit);
    Ok(())
}

async fn run_sql(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(drop)
}
