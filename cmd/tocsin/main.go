// Command tocsin is the incident bot.
package main

func main() {}
