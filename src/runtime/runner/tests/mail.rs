//! E-mails over a mail server.

use super::*;

/// A mail server that answers `RCPT` by a script, and the rest well; keeps what it was given.
async fn mail_server(script: Vec<&'static str>) -> (SocketAddr, watch::Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let sender = watch::Sender::new(Vec::new());
    let receiver = sender.subscribe();
    tokio::spawn(async move {
        let mut script = VecDeque::from(script);
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let (reading, mut writing) = stream.into_split();
            let mut lines = BufReader::new(reading).lines();
            let _ = writing.write_all(b"220 here\r\n").await;
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                    "RCPT" => script.pop_front().unwrap_or("250 ok").to_owned(),
                    "DATA" => {
                        let _ = writing.write_all(b"354 go on\r\n").await;
                        let mut message = String::new();
                        while let Ok(Some(line)) = lines.next_line().await {
                            if line == "." {
                                break;
                            }
                            message.push_str(&line);
                            message.push('\n');
                        }
                        sender.send_modify(|all| all.push(message));
                        "250 ok".to_owned()
                    }
                    "QUIT" => "221 bye".to_owned(),
                    _ => "250 ok".to_owned(),
                };
                let _ = writing.write_all(format!("{answer}\r\n").as_bytes()).await;
            }
        }
    });
    (address, receiver)
}

fn letter() -> Value {
    json!({"data": [{"name": "TO", "type": "text"}], "start": "send", "steps": [
        {"name": "send", "type": "sendEmail", "from": "shop@acme.test", "to": "{{TO}}", "subject": "Für {{TO}}", "body": "b",
         "routes": {"delivered": "good", "bounced": "bad"}},
        {"name": "good", "type": "end"}, {"name": "bad", "type": "end"}
    ]})
}

#[tokio::test]
async fn e_mails_are_handed_to_the_mail_server() {
    let (address, mut mails) = mail_server(vec!["250 ok", "550 no such user", "451 later", "250 ok"]).await;
    let rig = Rig::new(Some(format!("smtp://{address}"))).await;
    rig.put("Workflow/letter", letter(), vec![]).await;
    let id = rig.start("letter", json!({"TO": "kim@acme.test"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails[0].state), ("send good".into(), EmailState::Sent));
    let mail = mails.borrow_and_update().first().cloned().expect("a mail");
    assert!(mail.contains(&format!("Message-ID: <{id}-1@acme.test>")), "{mail}");

    let id = rig.start("letter", json!({"TO": "gone@acme.test"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails[0].state), ("send bad".into(), EmailState::Bounced));
    assert!(view.emails[0].error.as_deref().unwrap_or_default().contains("no such user"), "{view:?}");

    // Refused for now: tried again five seconds later.
    let id = rig.start("letter", json!({"TO": "busy@acme.test"})).await;
    while rig.view(id).await.listed.state == RunStatus::Running {
        rig.turn(SignedDuration::from_secs(5));
        tokio::task::yield_now().await;
    }
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails[0].state), ("send good".into(), EmailState::Sent));

    let id = rig.start("letter", json!({"TO": "no address"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails.len(), view.problems.len()), ("send bad".into(), 0, 1));
    assert_eq!(mails.borrow().len(), 2);
}
