package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
)

// issuer is what an authenticator app shows above the code.
const issuer = "siyu"

func (h *Handler) mySessions(c *gin.Context) (any, error) {
	s := current(c)
	return h.Operators.Sessions(c.Request.Context(), s.Operator.ID, s)
}

func (h *Handler) endMySession(c *gin.Context, e *audit.Entry) (any, error) {
	e.ObjectID = e.ActorID
	return nil, h.Operators.EndSession(c.Request.Context(), e.ActorID, c.Param("session"))
}

func (h *Handler) operatorSessions(c *gin.Context) (any, error) {
	operatorID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	return h.Operators.Sessions(c.Request.Context(), operatorID, current(c))
}

func (h *Handler) endSession(c *gin.Context, e *audit.Entry) (any, error) {
	return nil, h.Operators.EndSession(c.Request.Context(), e.ObjectID, c.Param("session"))
}

func (h *Handler) myTOTP(c *gin.Context) (any, error) {
	on, left, err := h.Operators.TOTP(c.Request.Context(), current(c).Operator.ID)
	return totpState{on, left}, err
}

// totpState is an operator's own second factor.
type totpState struct {
	On           bool `json:"on"`
	RecoveryLeft int  `json:"recovery_left"` // codes for a lost phone that were not used yet
}

// recoveryCodes are shown once.
type recoveryCodes struct {
	Recovery []string `json:"recovery"`
}

type totpInput struct {
	Password string `json:"password"`
	Code     string `json:"code"`
}

func (h *Handler) beginTOTP(c *gin.Context, e *audit.Entry) (any, error) {
	var in totpInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	e.ObjectID = e.ActorID
	return h.Operators.BeginTOTP(c.Request.Context(), current(c), in.Password, issuer)
}

func (h *Handler) confirmTOTP(c *gin.Context, e *audit.Entry) (any, error) {
	var in totpInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	e.ObjectID = e.ActorID
	list, err := h.Operators.ConfirmTOTP(c.Request.Context(), current(c), in.Code)
	return recoveryCodes{list}, err
}

func (h *Handler) stopTOTP(c *gin.Context, e *audit.Entry) (any, error) {
	var in totpInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	e.ObjectID = e.ActorID
	return nil, h.Operators.StopTOTP(c.Request.Context(), current(c), in.Password, in.Code)
}

func (h *Handler) resetTOTP(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if in.Reason == "" {
		return nil, fault.NewInvalid("reason", "请填写原因").With("field", "reason")
	}
	o, err := h.Operators.ResetTOTP(c.Request.Context(), e.ObjectID)
	e.After = o
	return o, err
}
