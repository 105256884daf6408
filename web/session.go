package web

const cookieName = "bellwether_session"
