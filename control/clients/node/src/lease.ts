import {CausewayError} from "./errors";
import {RelayServiceDefinition} from "./generated/causeway/v1/RelayService";
import {Methods} from "./service";

/**
 * Renews a session's lease at each third of it, until stop(). It does not end the session. A session that
 * is gone ends the renewals.
 */
export class Lease {
  /** What the last renewal failed with. */
  error?: CausewayError;
  private timer?: NodeJS.Timeout;
  private isStopped = false;

  constructor(
    private readonly relay: Methods<RelayServiceDefinition>, readonly session: string,
    readonly seconds: number) {
    void this.renew();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async renew(): Promise<void> {
    try {
      await this.relay.renewSession({name: this.session, lease: {seconds: this.seconds}});
      this.error = undefined;
    } catch (error) {
      this.error = error as CausewayError;
    }
    if (this.isStopped || this.error?.reason === "SESSION_NOT_FOUND") return;
    this.timer = setTimeout(() => void this.renew(), this.seconds * 1000 / 3);
  }
}
