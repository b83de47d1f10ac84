"""`dunning connect`: the consent of a QuickBooks company or of Xero organisations, and its tokens into the stack's secret."""
