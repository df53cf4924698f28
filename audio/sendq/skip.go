package sendq

// Skip takes a sequence for a frame slot that carries nothing, such as one in
// announced silence. It is no drop and is not marked.
func (q *Queue) Skip() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
}
