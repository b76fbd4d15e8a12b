//! The second way to log in: the proxy checks the client by SCRAM, and logs in at the server with the key that the client's proof
//! gave away. The client hears that it is in when the server has said so, and not before.

use super::channel::{Channel, Lost};
use super::hello::EndPoint;
use super::login::{Refusal, Stop, ask, refused};
use super::{Arrival, FailureReason};
use crate::auth::{Credentials, Fault, Message, NONCE, ScramClient, ScramServer, Step, error_response};
use crate::server::verifiers::Verifiers;

fn nonce() -> Result<[u8; NONCE], Refusal> {
    let mut bytes = [0; NONCE];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::own("57P03", FailureReason::Admission, "the system gives no random bytes"))?;
    Ok(bytes)
}

/// Checks the client. What it is told of the outcome waits in the channel.
pub(super) async fn check(
    client: &mut Channel,
    arrival: &Arrival,
    end_point: EndPoint,
    verifiers: &Verifiers,
) -> Result<Credentials, Stop> {
    let found = tokio::time::timeout_at(client.deadline(), verifiers.candidate(&arrival.login)).await;
    let candidate = match found {
        Ok(Ok(candidate)) => candidate,
        Ok(Err(error)) => {
            let mut refusal = Refusal::own("08006", FailureReason::Unreachable, "the server cannot be asked about this login");
            refusal.detail = error.to_string();
            return Err(refusal.into());
        }
        Err(_) => return Err(Refusal::lost(Lost::Late).into()),
    };
    let mut exchange = ScramServer::new(candidate, end_point, nonce()?);
    let first = ask(client, &exchange.offer()).await?;
    let challenge = exchange.on_first(&first)?;
    let proof = ask(client, &challenge).await?;
    match exchange.on_proof(&proof) {
        Ok((credentials, last)) => {
            client.pending.extend_from_slice(&last);
            Ok(credentials)
        }
        Err(Fault::Password) => Err(wrong_password(arrival).into()),
        Err(fault) => Err(fault.into()),
    }
}

/// In the server's own words.
fn wrong_password(arrival: &Arrival) -> Refusal {
    let mut frame = Vec::new();
    let fault = Fault::Password;
    error_response(&mut frame, fault.sqlstate(), &format!("password authentication failed for user \"{}\"", arrival.login));
    Refusal { frame, sqlstate: fault.sqlstate().to_owned(), reason: FailureReason::Password, detail: fault.to_string() }
}

/// Logs in at the server, whose first answer has come, as a client that was checked. Its `AuthenticationOk` is held back.
pub(super) async fn log_in(
    server: &mut Channel,
    first: Message,
    arrival: &Arrival,
    credentials: Credentials,
    allow_trust: bool,
) -> Result<(), Stop> {
    let mut exchange = ScramClient::new(credentials, server.stream.server_end_point(), nonce()?, allow_trust);
    let mut message = first;
    loop {
        match message.tag {
            b'R' => match exchange.on_server(&message.body) {
                Ok(Step::Accepted) => return Ok(()),
                Ok(Step::Wait) => {}
                Ok(Step::Send(answer)) => server.send(&answer).await.map_err(Refusal::lost)?,
                // The client cannot do anything about it, and its password may be the new one.
                Err(fault @ Fault::OtherVerifier) => {
                    return Err(Refusal { detail: fault.to_string(), ..wrong_password(arrival) }.into());
                }
                Err(fault) => return Err(fault.into()),
            },
            b'E' => return Err(Refusal::servers(&message.body, refused(&message.body)).into()),
            b'v' | b'N' => {}
            _ => return Err(Fault::Server.into()),
        }
        message = server.message().await.map_err(Refusal::lost)?;
    }
}
