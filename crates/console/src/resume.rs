//! Following a stream across broken connections: wait a little longer each time, say so, go on.

use std::time::Duration;

use ordermesh_proto::feed::v1::{Closing, ClosingReason};
use tonic::{Code, Status};

use crate::failure::{self, Failure};
use crate::output;

/// Tests do not wait for what only spares a server.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 250 });
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a stream ended without a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// All that was asked for has been seen.
    Complete,
    /// The stream broke off; it can be resumed.
    Interrupted(String),
}

/// Why a stream failed: by the server or the way to it, or on our side.
#[derive(Debug)]
pub enum Broken {
    /// What the server or the connection said.
    Stream(Box<Status>),
    /// What went wrong here, such as a closed pipe.
    Here(Failure),
}

impl From<Status> for Broken {
    fn from(status: Status) -> Self {
        Self::Stream(Box::new(status))
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

impl Ended {
    /// What the server's last frame means for the follower.
    pub fn by(closing: Closing) -> Self {
        match closing.reason() {
            ClosingReason::UntilReached => Self::Complete,
            ClosingReason::ServerShutdown | ClosingReason::Unspecified => {
                Self::Interrupted("the server shuts down".to_owned())
            }
            ClosingReason::MaxAge => Self::Interrupted("the stream was open for long".to_owned()),
        }
    }
}

/// Something that follows a stream and knows how to open it again where it broke off.
pub trait Follower {
    /// Opens the stream after what was seen and reads it to its end.
    fn stream(&mut self) -> impl Future<Output = Result<Ended, Broken>>;

    /// How many frames were seen in all.
    fn frames(&self) -> u64;
}

/// Follows until all is seen, opening the stream again whenever it breaks.
///
/// Before the first frame there is nothing to resume, and a server that is not there is an error.
pub async fn follow(follower: &mut impl Follower) -> Result<(), Failure> {
    let mut pause = FIRST_PAUSE;
    loop {
        let before = follower.frames();
        let why = match follower.stream().await {
            Ok(Ended::Complete) => return Ok(()),
            Ok(Ended::Interrupted(why)) => why,
            Err(Broken::Stream(status)) if follower.frames() > 0 && is_away(&status) => {
                format!("connection lost: {}", status.message())
            }
            Err(Broken::Stream(status)) => return Err((*status).into()),
            Err(Broken::Here(failure)) => return Err(failure),
        };
        if follower.frames() > before {
            pause = FIRST_PAUSE;
        }
        output::note(&format!("{why}; resuming in {} ms", pause.as_millis()));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn is_away(status: &Status) -> bool {
    status.code() == Code::Unavailable || failure::broken(status)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Plays what each opening of the stream leads to; every stream that opens shows a frame.
    struct Script {
        outcomes: VecDeque<Result<Ended, Broken>>,
        frames: u64,
    }

    impl Follower for Script {
        async fn stream(&mut self) -> Result<Ended, Broken> {
            let outcome = self.outcomes.pop_front().unwrap();
            self.frames += u64::from(outcome.is_ok());
            outcome
        }

        fn frames(&self) -> u64 {
            self.frames
        }
    }

    fn follow_script(
        outcomes: impl IntoIterator<Item = Result<Ended, Broken>>,
    ) -> (Result<(), Failure>, usize) {
        let mut script = Script { outcomes: outcomes.into_iter().collect(), frames: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let result = runtime.block_on(follow(&mut script));
        (result, script.outcomes.len())
    }

    fn unavailable() -> Result<Ended, Broken> {
        Err(Status::unavailable("away").into())
    }

    #[test]
    fn a_stream_that_broke_is_opened_again_until_it_is_complete() {
        let interrupted = Ok(Ended::by(Closing { reason: ClosingReason::ServerShutdown as i32 }));
        let (result, left) = follow_script([interrupted, unavailable(), Ok(Ended::Complete)]);
        assert!(result.is_ok());
        assert_eq!(left, 0);
    }

    #[test]
    fn a_server_that_was_never_there_is_an_error() {
        let (result, left) = follow_script([unavailable(), Ok(Ended::Complete)]);
        assert!(result.is_err());
        assert_eq!(left, 1);
    }

    #[test]
    fn a_refusal_is_not_tried_again() {
        let interrupted = Ok(Ended::Interrupted("gone".to_owned()));
        let diverged = Err(Status::failed_precondition("diverged").into());
        let (result, left) = follow_script([interrupted, diverged, Ok(Ended::Complete)]);
        assert!(result.is_err());
        assert_eq!(left, 1);
    }
}
