//! The list: a deque of packed chunks.
