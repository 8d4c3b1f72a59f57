//! Doors to frames: what each client frame does. The twins of the HTTP routes.

use crate::error::{Error, Result};
use crate::limit::Rate;
use crate::message;
use crate::node::SharedNode;
use crate::presence;
use crate::push::connection::Connection;
use crate::receipt;
use crate::thread;
use crate::thread::batch::Reply;
use futures_util::future::BoxFuture;
use kith_protocol::channel::Channel;
use kith_protocol::entry::DeleteMessage;
use kith_protocol::frame::{self, ClientFrame, Received, SUBSCRIPTIONS_MAX};
use kith_protocol::{BadField, ThreadId};
use serde::Serialize;
use std::sync::Arc;

/// What is left to do for a frame before the next one is read.
pub type Job = BoxFuture<'static, ()>;

/// Takes a frame. Sends go to the sequencer at once; everything else is a job.
pub fn take(node: &SharedNode, connection: &Arc<Connection>, received: Received) -> Option<Job> {
    connection.queue.expect_answer();
    let id = received.id;
    let frame = match received.frame {
        Ok(frame) => frame,
        Err(bad) => return refuse(connection, id.as_deref(), &bad.into()),
    };
    let refusal = limit(node, connection, &frame).err();
    if let Some(error) = &refusal
        && !has_key(&frame)
    {
        return refuse(connection, id.as_deref(), error);
    }
    match submit(node, connection, id, frame, refusal) {
        Ok(()) => None,
        Err((id, frame)) => Some(job(node, connection, id, frame)),
    }
}

/// Whether the frame may be a retry, which is answered however often it comes.
fn has_key(frame: &ClientFrame) -> bool {
    matches!(
        frame,
        ClientFrame::Send(_) | ClientFrame::Edit(_) | ClientFrame::Delete(_)
    )
}

fn limit(node: &SharedNode, connection: &Connection, frame: &ClientFrame) -> Result<()> {
    let now = node.clock.now();
    let rate = match frame {
        ClientFrame::Send(_)
        | ClientFrame::Edit(_)
        | ClientFrame::Delete(_)
        | ClientFrame::React(_)
        | ClientFrame::Unreact(_) => Rate::Send,
        _ => Rate::Everything,
    };
    node.limits.check(rate, connection.caller(), now)
}

fn refuse(connection: &Connection, id: Option<&str>, error: &Error) -> Option<Job> {
    connection.queue.answer(frame::error(id, &error.problem()));
    None
}

/// Hands acts on the log to the sequencer, which answers them; other frames are given back.
#[expect(clippy::result_large_err, reason = "the frame goes on to its job")]
fn submit(
    node: &SharedNode,
    connection: &Arc<Connection>,
    id: Option<String>,
    frame: ClientFrame,
    refusal: Option<Error>,
) -> std::result::Result<(), (Option<String>, ClientFrame)> {
    let (thread, act, place) = match frame {
        ClientFrame::Send(send) => {
            let (thread, message) = send.message();
            let place = connection.order().next(thread);
            let client_msg_id = message.client_msg_id;
            let act = message::send_act(message);
            if let Err(error) = &act {
                place.settle(client_msg_id, Some(error));
            }
            (thread, act, Some(place))
        }
        ClientFrame::Edit(edit) => {
            let (thread, seq, edit) = edit.message();
            (thread, message::edit_act(seq, edit), None)
        }
        ClientFrame::Delete(delete) => {
            let key = DeleteMessage {
                client_msg_id: delete.client_msg_id,
                seen_head: delete.seen_head,
            };
            (delete.thread_id, message::delete_act(delete.seq, key), None)
        }
        ClientFrame::React(react) => (
            react.thread_id,
            message::react_act(react.seq, react.emoji, true),
            None,
        ),
        ClientFrame::Unreact(react) => (
            react.thread_id,
            message::react_act(react.seq, react.emoji, false),
            None,
        ),
        other => return Err((id, other)),
    };
    // These frames were refused before if they had no id.
    let re = id.unwrap_or_default();
    match act {
        Ok(act) => {
            let reply = Reply::Socket {
                queue: Arc::clone(&connection.queue),
                re,
            };
            message::submit(
                node,
                thread,
                connection.caller(),
                act,
                reply,
                place,
                refusal,
            );
        }
        Err(error) => drop(refuse(connection, Some(&re), &error)),
    }
    Ok(())
}

fn job(
    node: &SharedNode,
    connection: &Arc<Connection>,
    id: Option<String>,
    frame: ClientFrame,
) -> Job {
    let (node, connection) = (Arc::clone(node), Arc::clone(connection));
    Box::pin(async move {
        let re = id.as_deref();
        match done(&node, &connection, re, frame).await {
            Ok(Some(answer)) if re.is_some() => connection.queue.answer(answer),
            Ok(_) => connection.queue.answered(),
            Err(error) => drop(refuse(&connection, re, &error)),
        }
    })
}

async fn done(
    node: &SharedNode,
    connection: &Connection,
    re: Option<&str>,
    frame: ClientFrame,
) -> Result<Option<String>> {
    let caller = connection.caller();
    Ok(match frame {
        ClientFrame::Read(mark) => {
            let marks = receipt::read(node, caller, mark.thread_id, mark.seq).await?;
            ok(re, &marks)
        }
        ClientFrame::Delivered(mark) => {
            let marks = receipt::delivered(node, caller, mark.thread_id, mark.seq).await?;
            ok(re, &marks)
        }
        ClientFrame::Typing(typing) => {
            receipt::typing(node, caller, typing.thread_id, typing.active).await?;
            empty(re)
        }
        ClientFrame::Forget(forget) => {
            connection.order().forget(forget.client_msg_id);
            empty(re)
        }
        ClientFrame::Subscribe(subscribe) => {
            self::subscribe(node, connection, subscribe.thread_id).await?;
            empty(re)
        }
        ClientFrame::Unsubscribe(unsubscribe) => {
            let thread = unsubscribe.thread_id;
            connection.subscriptions.lock().remove(&thread);
            node.channels
                .broker()
                .leave(Channel::Thread(thread), &connection.queue);
            empty(re)
        }
        ClientFrame::Beat(beat) => {
            connection.set_state(beat.state, node.clock.now());
            ok(
                re,
                &presence::heartbeat(node, caller, beat.heartbeat()).await?,
            )
        }
        ClientFrame::Ping(_) => re.map(|re| frame::pong(Some(re))),
        ClientFrame::Hello(_)
        | ClientFrame::Send(_)
        | ClientFrame::Edit(_)
        | ClientFrame::Delete(_)
        | ClientFrame::React(_)
        | ClientFrame::Unreact(_) => return Err(Error::Internal("a frame took the wrong way")),
    })
}

fn ok<T: Serialize>(re: Option<&str>, body: &T) -> Option<String> {
    re.map(|re| frame::ok(re, body))
}

fn empty(re: Option<&str>) -> Option<String> {
    ok(re, &serde_json::Map::new())
}

/// Joins first and reads second: a removal in between takes the subscription away again.
async fn subscribe(node: &SharedNode, connection: &Connection, thread: ThreadId) -> Result<()> {
    let channel = Channel::Thread(thread);
    {
        let mut subscriptions = connection.subscriptions.lock();
        if subscriptions.len() >= SUBSCRIPTIONS_MAX && !subscriptions.contains(&thread) {
            return Err(
                BadField::invalid("thread_id", "at most 64 threads on one connection").into(),
            );
        }
        subscriptions.insert(thread);
    }
    node.channels.broker().join(channel, &connection.queue);
    let view = thread::view(node, connection.caller(), thread)
        .await
        .and_then(thread::View::present);
    if let Err(error) = view {
        node.channels.broker().leave(channel, &connection.queue);
        connection.subscriptions.lock().remove(&thread);
        return Err(error);
    }
    Ok(())
}
