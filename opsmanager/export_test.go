package opsmanager

// LimitProjects replaces the most that all pages of projects may have together.
func (c *Client) LimitProjects(bytes int) { c.projectsBytes = bytes }
