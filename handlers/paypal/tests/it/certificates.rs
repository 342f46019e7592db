//! Certificates are fetched from their address and from nowhere else.

use axum::{Router, http::StatusCode, routing::get};
use paypal::signature::{CertificateStore, FetchError, Origin, address};
use tokio::{net::TcpListener, sync::mpsc};

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/v1/notifications/certs/CERT-2", elsewhere.local_addr().unwrap());
    let inside = Router::new().fallback(move || async move { tell.send(()).unwrap() });
    tokio::spawn(async move { axum::serve(elsewhere, inside).await });

    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", here.local_addr().unwrap());
    let path = "/v1/notifications/certs/CERT-1";
    let door = Router::new().route(path, get(move || async move { (StatusCode::FOUND, [("location", target)]) }));
    tokio::spawn(async move { axum::serve(here, door).await });

    let origins = [Origin::parse(&origin).unwrap()];
    let address = address(&format!("{origin}{path}"), &origins).unwrap();
    let fetched = CertificateStore::new().unwrap().get(&address).await;
    assert_eq!(fetched.err(), Some(FetchError::Unavailable("an answer without it")));
    assert!(told.try_recv().is_err(), "somebody asked where the redirect leads");
}
