//! Work that takes long, on a thread that others wait for.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does something that blocks. The runtime's other work on this thread is handed to another one
/// meanwhile, where it can do that.
pub fn take_long<R>(work: impl FnOnce() -> R) -> R {
    let can_hand_over = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if can_hand_over { tokio::task::block_in_place(work) } else { work() }
}
