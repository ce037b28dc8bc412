# Times R's metafor on the data sets that bench_evidence.py wrote. Usage: Rscript metafor_times.R FOLDER
suppressMessages(library(metafor))
folder <- commandArgs(trailingOnly=TRUE)[1]
y <- as.matrix(read.csv(file.path(folder, "y.csv"), header=FALSE)); v <- as.matrix(read.csv(file.path(folder, "v.csv"), header=FALSE))
s <- read.csv(file.path(folder, "selection.csv"))
invisible(rma(y[1, ], v[1, ], method="REML", test="knha"))
clock <- function(expr) { t <- proc.time(); force(expr); d <- proc.time() - t; c(wall=unname(d[3]), cpu=unname(d[1] + d[2])) }
fits <- matrix(NA, nrow(y), 3)
tp <- clock(for (i in seq_len(nrow(y))) { r <- rma(y[i, ], v[i, ], method="REML", test="knha"); fits[i, ] <- c(r$beta, r$se, r$tau2) })
r0 <- rma(y, v, data=s, method="ML")
sel <- NULL
ts <- clock(for (i in 1:5) sel <- selmodel(r0, type="stepfun", alternative="greater", steps=.025))
cat(sprintf("version %s\n", packageVersion("metafor")))
cat(sprintf("pool %.6f %.6f\n", tp["wall"] / nrow(y), tp["cpu"] / nrow(y)))
cat(sprintf("selection %.6f %.6f\n", ts["wall"] / 5, ts["cpu"] / 5))
cat(sprintf("answer %.8f %.8f\n", c(sel$beta), sel$tau2))
write.table(format(fits, digits=12), file.path(folder, "metafor.csv"), sep=",", row.names=FALSE, col.names=FALSE, quote=FALSE)
