//! Hyper in front of the server behind, and nothing between: what a proxy in Rust costs before it does anything.

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// Serves until it is ended.
pub(crate) async fn run(port: u16, behind: u16) -> Result<(), String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|why| why.to_string())?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Incoming> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
    loop {
        let (socket, _) = listener.accept().await.map_err(|why| why.to_string())?;
        socket.set_nodelay(true).map_err(|why| why.to_string())?;
        let client = client.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let client = client.clone();
            async move { client.request(to(request, behind)?).await.map_err(|why| why.to_string()) }
        });
        tokio::spawn(async move {
            // A peer that hangs up ends its connection, and that is all.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
        });
    }
}

fn to(mut request: Request<Incoming>, behind: u16) -> Result<Request<Incoming>, String> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let uri: Uri = format!("http://127.0.0.1:{behind}{target}").parse().map_err(|_| "no address".to_owned())?;
    *request.uri_mut() = uri;
    Ok(request)
}
