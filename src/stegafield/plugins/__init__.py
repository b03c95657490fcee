"""The five hooks, our own use of them, and the discovery of everybody else's."""
