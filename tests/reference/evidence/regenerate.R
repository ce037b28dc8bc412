# Recomputes expected.csv with R's metafor, clubSandwich and robumeta. Run: Rscript regenerate.R
suppressMessages({library(metafor); library(clubSandwich); library(robumeta)})
d <- read.csv("animals.csv"); e <- read.csv("events.csv")
out <- data.frame(case=character(), quantity=character(), value=character())
put <- function(case, ...) {
  q <- list(...)
  for (n in names(q)) for (i in seq_along(q[[n]])) {
    name <- if (length(q[[n]]) > 1) paste0(n, "[", i, "]") else n
    out[nrow(out) + 1, ] <<- c(case, name, formatC(as.numeric(q[[n]][i]), digits=12, format="g"))
  }
}
tight <- list(threshold=1e-13, maxiter=10000)
es <- function(m, ...) escalc(measure=m, n1i=n1, m1i=mean1, sd1i=sd1, n2i=n2, m2i=mean2, sd2i=sd2, data=d, ...)
for (m in c("MD", "SMD", "SMDH", "ROM")) { x <- es(m); put(paste0("escalc_", m), y=x$yi[1:4], v=x$vi[1:4]) }
for (vt in c("LS2", "UB", "AV")) { x <- es("SMD", vtype=vt); put(paste0("escalc_SMD_", vt), v=x$vi[1:4]) }
x <- escalc(measure="SMD1", n1i=n1, m1i=mean1, n2i=n2, m2i=mean2, sd2i=sd2, data=d); put("escalc_SMD1", y=x$yi[1:4], v=x$vi[1:4])
for (m in c("MC", "SMCC", "ROMC")) { x <- escalc(measure=m, m1i=mean1, sd1i=sd1, m2i=mean2, sd2i=sd2, ni=n1, ri=rep(.6, nrow(d)), data=d); put(paste0("escalc_", m), y=x$yi[1:4], v=x$vi[1:4]) }
x <- escalc(measure="SMCR", m1i=mean1, sd1i=sd1, m2i=mean2, ni=n1, ri=rep(.6, nrow(d)), data=d); put("escalc_SMCR", y=x$yi[1:4], v=x$vi[1:4])
for (m in c("RR", "OR", "RD", "AS")) { x <- escalc(measure=m, ai=events1, n1i=n1, ci=events2, n2i=n2, data=e); put(paste0("escalc_", m), y=x$yi, v=x$vi) }
for (m in c("IRR", "IRD")) { x <- escalc(measure=m, x1i=events1, t1i=time1, x2i=events2, t2i=time2, data=e); put(paste0("escalc_", m), y=x$yi, v=x$vi) }
for (m in c("PR", "PLN", "PLO", "PAS", "PFT")) { x <- escalc(measure=m, xi=events1, ni=n1, data=e); put(paste0("escalc_", m), y=x$yi, v=x$vi) }
for (m in c("COR", "ZCOR")) { x <- escalc(measure=m, ri=c(.1,-.5,.8), ni=c(10,25,40)); put(paste0("escalc_", m), y=x$yi, v=x$vi) }

s <- es("SMD"); w <- es("SMD"); w$yi <- -w$yi  # wanted effects are positive in w
for (m in c("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB")) for (test in c("z", "knha", "t")) {
  if (m == "EE" && test != "z") next
  r <- rma(yi, vi, data=s, method=m, test=test, control=tight); p <- predict(r)
  put(paste("rma", m, test, sep="_"), estimate=c(r$beta), se=r$se, tau2=r$tau2, i2=r$I2, h2=r$H2, q=r$QE, q_p=r$QEp, lower=r$ci.lb, upper=r$ci.ub, p=r$pval, prediction_lower=p$pi.lb, prediction_upper=p$pi.ub)
  if (m %in% c("EE", "DL", "HE", "ML", "REML") && test == "z") put(paste("rma", m, test, sep="_"), loglik=as.numeric(logLik(r)))
  if (m %in% c("DL", "HE", "HS", "ML", "REML") && test == "z") put(paste("rma", m, test, sep="_"), se_tau2=r$se.tau2)
}
r <- rma(yi, vi, data=s, test="adhoc"); put("rma_REML_adhoc", se=r$se, p=r$pval)
for (m in c("DL", "HE", "HS", "SJ", "ML", "REML", "EB")) {
  r <- rma(yi, vi, mods=~ week + factor(species), data=s, method=m, test="knha", control=tight)
  put(paste0("metareg_", m), b=c(r$beta), se=r$se, p=r$pval, tau2=r$tau2, qm=r$QM, qm_p=r$QMp, qe=r$QE, i2=r$I2, r2=r$R2)
}
r <- rma(yi, vi, mods=~ 0 + factor(species), data=s, control=tight); put("metareg_no_intercept", b=c(r$beta), se=r$se, qm=r$QM)
r <- rma(yi, vi, mods=~ week, data=s, test="knha", control=tight); p <- predict(r, newmods=6); put("metareg_predict", estimate=p$pred, se=p$se, lower=p$ci.lb, upper=p$ci.ub, prediction_lower=p$pi.lb, prediction_upper=p$pi.ub)
r <- rma(yi, vi, mods=~ week, scale=~ dose, data=s, method="ML", control=list(optimizer="optim", optmethod="BFGS")); put("location_scale_ML", b=c(r$beta), se=r$se, alpha=c(r$alpha), se_alpha=r$se.alpha, loglik=as.numeric(logLik(r)))
r <- rma(yi, vi, mods=~ week, scale=~ dose, data=s, method="REML", control=list(optimizer="optim", optmethod="BFGS")); put("location_scale_REML", b=c(r$beta), se=r$se, alpha=c(r$alpha), se_alpha=r$se.alpha, loglik=as.numeric(logLik(r)))
small <- s[1:7, ]
r <- rma(yi, vi, data=small, test="knha"); set.seed(1); pt <- permutest(r, exact=TRUE, progbar=FALSE); put("permutation_mean", p=pt$pval)
r <- rma(yi, vi, mods=~ week, data=s[1:6, ], test="knha"); pt <- permutest(r, exact=TRUE, progbar=FALSE); put("permutation_slope", p=pt$pval[2])

for (m in c("RR", "OR", "RD")) { r <- rma.mh(measure=m, ai=events1, n1i=n1, ci=events2, n2i=n2, data=e); put(paste0("mh_", m), estimate=c(r$beta), se=r$se, q=r$QE)
  if (m == "OR") put("mh_OR", cmh=r$MH, tarone=r$TA) }
r <- rma.mh(measure="IRR", x1i=events1, t1i=time1, x2i=events2, t2i=time2, data=e); put("mh_IRR", estimate=c(r$beta), se=r$se)
r <- rma.peto(ai=events1, n1i=n1, ci=events2, n2i=n2, data=e); put("peto", estimate=c(r$beta), se=r$se, q=r$QE)
for (m in c("UM.FS", "CM.EL", "CM.AL")) { r <- rma.glmm(measure="OR", ai=events1, n1i=n1, ci=events2, n2i=n2, data=e, model=m, nAGQ=21); put(paste0("glmm_", m), estimate=c(r$beta), se=r$se, tau2=r$tau2, q=r$QE.LRT) }
r <- rma.glmm(measure="PLO", xi=events1, ni=n1, data=e, nAGQ=21); put("glmm_PLO", estimate=c(r$beta), se=r$se, tau2=r$tau2)
r <- rma.glmm(measure="IRR", x1i=events1, t1i=time1, x2i=events2, t2i=time2, data=e, model="CM.EL", nAGQ=21); put("glmm_IRR", estimate=c(r$beta), se=r$se, tau2=r$tau2)

mvc <- list(optimizer="optim", optmethod="BFGS", reltol=1e-14, maxit=10000)
r <- rma.mv(yi, vi, random=~ 1 | lab/study, data=s, control=mvc); put("three_level", estimate=c(r$beta), se=r$se, sigma2=r$sigma2, loglik=as.numeric(logLik(r)), q=r$QE)
ci <- confint(r, sigma2=1); put("three_level", profile_upper=ci$random[1, 3])
r <- rma.mv(yi, vi, mods=~ week, random=list(~ 1 | lab, ~ 1 | outcome), data=s, method="ML", control=mvc); put("crossed_ML", b=c(r$beta), se=r$se, sigma2=r$sigma2, loglik=as.numeric(logLik(r)))
V <- vcalc(vi, cluster=lab, obs=study, rho=.5, data=s)
for (st in c("CS", "HCS", "UN", "DIAG")) { r <- rma.mv(yi, V, mods=~ 0 + outcome, random=~ outcome | lab, struct=st, data=s, control=mvc)
  put(paste0("outcomes_", st), b=c(r$beta), se=r$se, tau2=r$tau2, loglik=as.numeric(logLik(r))); if (st %in% c("CS", "HCS")) put(paste0("outcomes_", st), rho=r$rho) }
s$visit <- ave(seq_len(nrow(s)), s$lab, FUN=seq_along)
for (st in c("AR", "HAR", "CAR")) { r <- rma.mv(yi, vi, random=~ visit | lab, struct=st, data=s, control=mvc); put(paste0("serial_", st), b=c(r$beta), se=r$se, tau2=r$tau2, rho=r$rho, loglik=as.numeric(logLik(r))) }
V <- vcalc(vi, cluster=lab, obs=study, rho=.6, data=s)
r <- rma.mv(yi, V, mods=~ week + species, random=~ 1 | lab/study, data=s, control=mvc)
for (k in c("CR0", "CR1", "CR1p", "CR1S", "CR2")) { ct <- coef_test(r, vcov=k, cluster=d$lab, test=if (k == "CR2") "Satterthwaite" else "naive-t"); put(paste0("che_", k), b=ct$beta, se=ct$SE)
  if (k == "CR2") put("che_CR2", df=ct$df, p=ct$p_Satt) }
wt <- Wald_test(r, constraints=constrain_zero(2:3), vcov="CR2", cluster=d$lab, test="HTZ"); put("che_HTZ", statistic=wt$Fstat, df=wt$df_num, df2=wt$df_denom, p=wt$p_val)
for (mw in c("CORR", "HIER")) { r <- robu(yi ~ week, data=s, studynum=lab, var.eff.size=vi, rho=.8, modelweights=mw, small=TRUE)
  put(paste0("robu_", mw), b=r$reg_table$b.r, se=r$reg_table$SE, df=r$reg_table$dfs, p=r$reg_table$prob, tau2=r$mod_info$tau.sq); if (mw == "HIER") put("robu_HIER", omega2=r$mod_info$omega.sq) }

r0 <- rma(yi, vi, data=w, control=tight)
for (m in c("rma", "lm")) for (pr in c("sei", "vi", "ninv", "sqrtninv", "ni", "sqrtni")) { t <- regtest(r0, model=m, predictor=pr, ni=d$n1 + d$n2); put(paste("egger", m, pr, sep="_"), statistic=t$zval, p=t$pval)
  if (!is.null(t$est)) put(paste("egger", m, pr, sep="_"), limit=t$est) }
t <- ranktest(r0); put("begg", statistic=t$tau, p=t$pval)
for (est in c("L0", "R0", "Q0")) for (side in c("left", "right")) { t <- trimfill(r0, estimator=est, side=side); put(paste("trimfill", est, side, sep="_"), missing=t$k0, se_missing=t$se.k0, estimate=c(t$beta), se=t$se) }
f <- function(type, ...) fsn(yi, vi, data=w, type=type, ...)$fsnum
put("fail_safe", rosenthal=f("Rosenthal"), rosenberg=f("Rosenberg"), orwin=fsn(yi, data=w, type="Orwin", target=.2)$fsnum)
for (tt in c("chi2", "binom", "exact")) for (al in c("greater", "two.sided")) { t <- tes(yi, vi, data=if (tt == "exact") w[1:12, ] else w, test=tt, tes.alternative="greater", alternative=al, theta=.8); put(paste("excess", tt, al, sep="_"), observed=t$O, expected=t$E, p=t$pval) }
rml <- rma(yi, vi, data=w, method="ML")
sel <- function(...) selmodel(rml, type="stepfun", control=list(optimizer="nlminb"), ...)
for (cs in list(list("one", "greater", .025), list("two_steps", "greater", c(.025, .5)), list("two_sided", "two.sided", .05))) {
  t <- sel(alternative=cs[[2]], steps=cs[[3]]); put(paste0("selection_", cs[[1]]), estimate=c(t$beta), se=t$se, tau2=t$tau2, delta=t$delta[-1], se_delta=t$se.delta[-1], lrt=t$LRT, loglik=as.numeric(logLik(t))) }
t <- selmodel(rma(yi, vi, data=w, method="EE"), type="stepfun", steps=.025); put("selection_equal", estimate=c(t$beta), se=t$se, delta=t$delta[-1], loglik=as.numeric(logLik(t)))
rm <- rma(yi, vi, mods=~ week, data=w, method="ML"); t <- selmodel(rm, type="stepfun", alternative="greater", steps=.025, control=list(optimizer="nlminb")); put("selection_moderator", b=c(t$beta), se=t$se, tau2=t$tau2, delta=t$delta[2])
rm <- rma(yi, vi, mods=~ week, data=w, control=tight); inf <- influence(rm)$inf
put("influence", rstudent=inf$rstudent[1:5], dffits=inf$dffits[1:5], cook=inf$cook.d[1:5], cov_ratio=inf$cov.r[1:5], tau2_without=inf$tau2.del[1:5], q_without=inf$QE.del[1:5], hat=inf$hat[1:5])
put("residuals", z=rstandard(rm)$z[1:5])
re <- rma(yi, vi, data=w, method="EE"); pdf(NULL); b <- baujat(re); put("baujat", heterogeneity=b$x[1:5], influence=b$y[1:5])
cm <- cumul(r0, order=d$week); put("cumulative", estimate=cm$estimate, se=cm$se)
hc <- hc(rma(yi, vi, data=w, method="DL")); put("henmi_copas", estimate=hc$beta, se=hc$se, lower=hc$ci.lb, upper=hc$ci.ub)
for (g in c("rat", "mouse")) { r <- rma(yi, vi, data=s, subset=species == g, control=tight); put(paste0("subgroup_", g), estimate=c(r$beta), se=r$se, tau2=r$tau2) }
versions <- sapply(c("metafor", "clubSandwich", "robumeta"), function(p) as.character(packageVersion(p)))
cat("R", as.character(getRversion()), paste(names(versions), versions), sep=" ", file="versions.txt"); cat("\n", file="versions.txt", append=TRUE)
write.csv(out, "expected.csv", row.names=FALSE, quote=FALSE)
