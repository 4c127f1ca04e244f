//! nginx in front of the server behind: bare, with a rate limit and a JSON log, and with TLS.

use crate::process::{MEASURED, Part};
use std::fs;
use std::path::Path;

/// One nginx.
pub(crate) struct Nginx<'a> {
    /// Its folder's name.
    pub(crate) name: &'a str,
    /// Where it listens.
    pub(crate) port: u16,
    /// The server behind it.
    pub(crate) behind: u16,
    /// Limits each token and writes one JSON line a request.
    pub(crate) careful: bool,
    /// Speaks TLS, with `cert.pem` and `key.pem` of the folder above.
    pub(crate) tls: bool,
}

impl Nginx<'_> {
    /// Writes its configuration and starts it.
    pub(crate) fn start(&self, folder: &Path) -> Result<Part, String> {
        let own = folder.join(self.name);
        fs::create_dir_all(&own).map_err(|why| why.to_string())?;
        let path = own.join("nginx.conf");
        fs::write(&path, self.configuration(folder, &own)).map_err(|why| why.to_string())?;
        let path = path.to_str().ok_or("a path that is no text")?.to_owned();
        let arguments = ["-c", path.as_str(), "-g", "daemon off;"];
        Part::start(MEASURED, "nginx", &arguments, &own.join("log"))?.listening(self.port)
    }

    fn configuration(&self, folder: &Path, own: &Path) -> String {
        let (port, behind, own, folder) = (self.port, self.behind, own.display(), folder.display());
        let (zone, limit, log) = if self.careful {
            let zone = "limit_req_zone $http_authorization zone=tokens:64m rate=1000r/s;
                log_format json escape=json '{\"at\":\"$msec\",\"method\":\"$request_method\",\"uri\":\"$uri\",\"status\":$status,\"bytes\":$body_bytes_sent,\"took\":$request_time,\"from\":\"$remote_addr\"}';";
            (zone, "limit_req zone=tokens burst=2000 nodelay;", format!("access_log {own}/access.log json;"))
        } else {
            ("", "", "access_log off;".to_owned())
        };
        let tls = if self.tls {
            format!("ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;")
        } else {
            String::new()
        };
        let listen = if self.tls { format!("127.0.0.1:{port} ssl") } else { format!("127.0.0.1:{port}") };
        format!(
            "worker_processes 1;
pid {own}/pid;
error_log {own}/error.log;
events {{ worker_connections 4096; }}
http {{
    {zone}
    {log}
    keepalive_requests 100000000;
    client_body_temp_path {own}/body; proxy_temp_path {own}/proxy; fastcgi_temp_path {own}/f;
    uwsgi_temp_path {own}/u; scgi_temp_path {own}/s;
    upstream behind {{ server 127.0.0.1:{behind}; keepalive 256; keepalive_requests 100000000; }}
    server {{
        listen {listen} reuseport;
        {tls}
        location / {{
            {limit}
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffers 64 8k;
        }}
    }}
}}
"
        )
    }
}
